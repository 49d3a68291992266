"""Records opens, clicks and unsubscribes on our own pages as events."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, select, text

from daisychain.database import database_now
from lists.privacy.address_hash import forgotten_among
from sender.event import LONGEST_USER_AGENT, OWN, IncomingEvent, Kind, digest
from sender.events.reader_rules import HEAD, judge_hit
from sender.events.rollups import StoredEvents, store_events, update_rollups
from sender.links.sent_mail import SentMail, find_sent_mails
from sender.mailbox_providers import mailbox_provider
from sender.tables import COUNTED, Event

# More than any reader needs; the limit keeps somebody with one mail from filling the disk.
MOST_HITS = 100
# Through one mail that the database has forgotten.
MOST_ADDRESSES = 3
# Hits are stored by one process at a time: so the limit holds, and nobody meets the roll-ups in another order. An
# arbitrary number that only has to be ours.
_LOCK = 0x0DA151CE
_TURN = text("SELECT pg_advisory_xact_lock(:lock), clock_timestamp() AS now")
_KEPT = text("""
    SELECT mail, hits.kind, (
        SELECT count(*) FROM (
            SELECT FROM events WHERE delivery_id = mail AND events.kind = hits.kind AND source = 'own' LIMIT :most
        ) AS stored) AS kept
    FROM (SELECT DISTINCT * FROM unnest(CAST(:mails AS bigint[]), CAST(:kinds AS text[])) AS hits (mail, kind)) AS hits
""")


@dataclass(slots=True, frozen=True)
class Hit:
    """One fetch of a mail's pixel or link, by a program in a network. `mail` is a delivery's id or a reader."""

    mail: int
    kind: Literal["opened", "clicked"]
    user_agent: str
    network: str
    link: int | None = None
    head: bool = False  # whether it was a HEAD request
    came: float = field(default_factory=time.monotonic)
    # Random, so that two hits in one second count twice, and one that is stored twice counts once.
    natural_key: str = field(default_factory=partial(secrets.token_hex, 16))


def record_hits(connection: Connection, hits: Sequence[Hit]) -> int:
    """Record hits on our pixels and redirects in the caller's transaction, of which there is one at a time.

    Only the first `MOST_HITS` of each kind are kept for a mail. Of mails that don't count, and of persons who were
    erased, nothing is kept. Returns the highest id of a mail that the database does not know, or 0.
    """
    now, here = connection.execute(_TURN, {"lock": _LOCK}).one().now, time.monotonic()
    mails = find_sent_mails(connection, {hit.mail for hit in hits})
    counted = [hit for hit in hits if hit.mail in mails and _is_counted(hit, mails[hit.mail])]
    places = {"mails": [hit.mail for hit in counted], "kinds": [hit.kind for hit in counted], "most": MOST_HITS}
    kept = Counter({(row.mail, row.kind): row.kept for row in connection.execute(_KEPT, places)})
    events = []
    for hit in counted:
        kept[hit.mail, hit.kind] += 1
        if kept[hit.mail, hit.kind] <= MOST_HITS:
            program = hit.user_agent.replace("\0", "")[:LONGEST_USER_AGENT]
            open_class, rules = judge_hit(program, known=[HEAD] if hit.head else [])
            events.append(_event(
                mails[hit.mail], hit.kind, hit.natural_key, now - timedelta(seconds=here - hit.came), link=hit.link,
                compiled_id=mails[hit.mail].compiled_id, network=hit.network, open_class=open_class, rules=rules,
                user_agent=program,
            ))  # fmt: skip
    update_rollups(connection, store_events(connection, events, now))
    return max((hit.mail for hit in hits if hit.mail not in mails), default=0)


def _is_counted(hit: Hit, mailed: SentMail) -> bool:
    own = mailed.clicks == OWN if hit.kind == "clicked" else mailed.opens == OWN and not hit.head
    return own and mailed.counts


def record_unsubscribe(connection: Connection, mailed: SentMail, scope: str) -> StoredEvents:
    """Record an unsubscribe through a mail in the caller's transaction, once for each mail and scope.

    `update_rollups` must follow as the last step of the same transaction.
    """
    key = digest(OWN, "unsubscribed", mailed.delivery_id, scope)
    event = _event(mailed, "unsubscribed", key, mailed.found_at, detail={"scope": scope})
    return store_events(connection, [event], mailed.found_at)


def record_lost_unsubscribe(connection: Connection, delivery_id: int, address_key: str) -> bool:
    """Record an unsubscribe through a mail that the database has forgotten; False after `MOST_ADDRESSES` addresses.

    A reader may not know which of their addresses it came to. Repeating one of them is harmless. Of somebody who was
    erased nothing is recorded: their hash says already that they get no mail.
    """
    if forgotten_among(connection, [address_key]):
        return True
    hashed = hashlib.sha256(address_key.encode()).hexdigest()
    keys = [digest(OWN, "unsubscribed", delivery_id, "lost", number) for number in range(MOST_ADDRESSES)]
    rows = select(Event.natural_key, Event.detail).where(Event.natural_key.in_(map(bytes.fromhex, keys)))
    used = {row.natural_key.hex(): row.detail.get("address_hash") for row in connection.execute(rows)}
    free = [key for key in keys if key not in used]
    if hashed in used.values() or not free:
        return hashed in used.values()
    now = database_now(connection)
    detail = {"scope": "all", "address_hash": hashed}
    event = IncomingEvent(OWN, "unsubscribed", now, free[0], detail=detail)
    return bool(store_events(connection, [event], now).new)


def _event(mailed: SentMail, kind: Kind, natural_key: str, at: datetime, **fields: Any) -> IncomingEvent:
    return IncomingEvent(
        OWN, kind, at, natural_key,
        delivery_id=mailed.delivery_id, campaign_id=mailed.campaign_id,
        mailbox=(mailed.mailbox or mailbox_provider(mailed.address)) if mailed.kind in COUNTED else "", **fields,
    )  # fmt: skip
