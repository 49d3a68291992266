"""What readers do on our own pages, kept as events like those that a provider tells."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from sender.event import LONGEST_USER_AGENT, OWN, Happening, classify, digest, network_of
from sender.events.facts import mailbox_of
from sender.events.rollups import count_up, store
from sender.links.sent_mail import Mailed
from sender.tables import Event

# No reader does more, and whoever has one mail must not fill the disk with it.
MOST_HITS = 100


def record_hit(
    connection: Connection,
    mailed: Mailed,
    kind: Literal["opened", "clicked"],
    *,
    user_agent: str,
    address: str,
    link: int | None = None,
    machine: bool = False,
) -> None:
    """Keep a hit on our own pixel or redirect, in the caller's transaction; `address` is an IP, cut to its network.

    A mail's first `MOST_HITS` of a kind are kept.
    """
    if _hits(connection, mailed.delivery_id, kind) >= MOST_HITS:
        return
    now = datetime.now(UTC)
    hit = Happening(
        source=OWN,
        kind=kind,
        at=now,
        natural_key=secrets.token_hex(16),  # each hit is a hit: two in one second are two
        delivery_id=mailed.delivery_id,
        campaign_id=mailed.campaign_id,
        compiled_id=mailed.compiled_id,
        link=link,
        open_class=classify(user_agent, flagged=machine),
        user_agent=user_agent.replace("\0", "")[:LONGEST_USER_AGENT],
        network=network_of(address),
        mailbox=_mailbox(mailed),
    )
    count_up(connection, store(connection, [hit], now))


def record_leaving(connection: Connection, mailed: Mailed, scope: str) -> None:
    """Keep that somebody left by a mail of ours, once for each mail and scope, in the caller's transaction."""
    now = datetime.now(UTC)
    left = Happening(
        source=OWN,
        kind="unsubscribed",
        at=now,
        natural_key=digest(OWN, "unsubscribed", mailed.delivery_id, scope),
        delivery_id=mailed.delivery_id,
        campaign_id=mailed.campaign_id,
        detail={"scope": scope},
        mailbox=_mailbox(mailed),
    )
    count_up(connection, store(connection, [left], now))


def _hits(connection: Connection, delivery_id: int, kind: str) -> int:
    of_kind = select(Event.id).where(Event.delivery_id == delivery_id, Event.kind == kind, Event.source == OWN)
    return connection.execute(select(func.count()).select_from(of_kind.limit(MOST_HITS).subquery())).scalar_one()


def _mailbox(mailed: Mailed) -> str:
    return mailbox_of(mailed.address) if mailed.kind == "member" else ""
