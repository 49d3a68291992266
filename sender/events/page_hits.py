"""Records opens, clicks and unsubscribes on our own pages as events."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from sender.event import LONGEST_USER_AGENT, OWN, IncomingEvent, digest, network_of
from sender.events.classify import classify
from sender.events.mailbox_providers import mailbox_provider
from sender.events.rollups import store_events, update_rollups
from sender.links.sent_mail import SentMail
from sender.tables import Event

# More than any reader needs; the limit keeps somebody with one mail from filling the disk.
MOST_HITS = 100


def record_hit(
    connection: Connection,
    mailed: SentMail,
    kind: Literal["opened", "clicked"],
    *,
    user_agent: str,
    address: str,
    link: int | None = None,
    machine: bool = False,
) -> None:
    """Record a hit on our pixel or redirect in the caller's transaction; `address` is the IP, cut to its network.

    Only the first `MOST_HITS` of each kind are kept for a mail.
    """
    if _hits(connection, mailed.delivery_id, kind) >= MOST_HITS:
        return
    now = datetime.now(UTC)
    hit = IncomingEvent(
        source=OWN,
        kind=kind,
        at=now,
        natural_key=secrets.token_hex(16),  # random, so that two hits in one second count twice
        delivery_id=mailed.delivery_id,
        campaign_id=mailed.campaign_id,
        compiled_id=mailed.compiled_id,
        link=link,
        open_class=classify(user_agent, flagged=machine),
        user_agent=user_agent.replace("\0", "")[:LONGEST_USER_AGENT],
        network=network_of(address),
        mailbox=_mailbox(mailed),
    )
    update_rollups(connection, store_events(connection, [hit], now))


def record_unsubscribe(connection: Connection, mailed: SentMail, scope: str) -> None:
    """Record an unsubscribe through a mail in the caller's transaction, once for each mail and scope."""
    now = datetime.now(UTC)
    event = IncomingEvent(
        source=OWN,
        kind="unsubscribed",
        at=now,
        natural_key=digest(OWN, "unsubscribed", mailed.delivery_id, scope),
        delivery_id=mailed.delivery_id,
        campaign_id=mailed.campaign_id,
        detail={"scope": scope},
        mailbox=_mailbox(mailed),
    )
    update_rollups(connection, store_events(connection, [event], now))


def _hits(connection: Connection, delivery_id: int, kind: str) -> int:
    of_kind = select(Event.id).where(Event.delivery_id == delivery_id, Event.kind == kind, Event.source == OWN)
    return connection.execute(select(func.count()).select_from(of_kind.limit(MOST_HITS).subquery())).scalar_one()


def _mailbox(mailed: SentMail) -> str:
    return mailbox_provider(mailed.address) if mailed.kind == "member" else ""
