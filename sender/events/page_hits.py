"""Records opens, clicks and unsubscribes on our own pages as events."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from daisychain.database import database_now
from daisychain.web.networks import network_of
from lists.privacy.address_hash import forgotten_among
from sender.event import LONGEST_USER_AGENT, OWN, IncomingEvent, Kind, digest
from sender.events.reader_rules import HEAD, judge_hit
from sender.events.rollups import store_events, update_rollups
from sender.links.sent_mail import SentMail
from sender.mailbox_providers import mailbox_provider
from sender.tables import COUNTED, Event

# More than any reader needs; the limit keeps somebody with one mail from filling the disk.
MOST_HITS = 100
# Through one mail that the database has forgotten.
MOST_ADDRESSES = 3


def record_hit(
    connection: Connection,
    mailed: SentMail,
    kind: Literal["opened", "clicked"],
    *,
    user_agent: str,
    address: str,
    link: int | None = None,
    head: bool = False,
) -> None:
    """Record a hit on our pixel or redirect in the caller's transaction; `address` is the IP, cut to its network.

    `head` means that it was a HEAD request. Only the first `MOST_HITS` of each kind are kept for a mail.
    """
    hits = select(Event.id).where(Event.delivery_id == mailed.delivery_id, Event.kind == kind, Event.source == OWN)
    if connection.execute(select(func.count()).select_from(hits.limit(MOST_HITS).subquery())).scalar_one() >= MOST_HITS:
        return
    key = secrets.token_hex(16)  # random, so that two hits in one second count twice
    program = user_agent.replace("\0", "")[:LONGEST_USER_AGENT]
    open_class, rules = judge_hit(program, known=[HEAD] if head else [])
    _record(
        connection, mailed, kind, key, link=link, compiled_id=mailed.compiled_id, network=network_of(address),
        open_class=open_class, rules=rules, user_agent=program,
    )  # fmt: skip


def record_unsubscribe(connection: Connection, mailed: SentMail, scope: str) -> None:
    """Record an unsubscribe through a mail in the caller's transaction, once for each mail and scope."""
    key = digest(OWN, "unsubscribed", mailed.delivery_id, scope)
    _record(connection, mailed, "unsubscribed", key, detail={"scope": scope})


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


def _record(connection: Connection, mailed: SentMail, kind: Kind, natural_key: str, **fields: Any) -> None:
    now = database_now(connection)
    event = IncomingEvent(
        OWN, kind, now, natural_key,
        delivery_id=mailed.delivery_id, campaign_id=mailed.campaign_id,
        mailbox=(mailed.mailbox or mailbox_provider(mailed.address)) if mailed.kind in COUNTED else "", **fields,
    )  # fmt: skip
    update_rollups(connection, store_events(connection, [event], now))
