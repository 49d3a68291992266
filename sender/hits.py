"""What readers do on our own pages, kept as events like those that a provider tells."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from sender.mailed import Mailed
from sender.rollups import store
from sender.vocabulary import LONGEST_USER_AGENT, OWN, Happening, classify, digest, network_of


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
    """Keep a hit on our own pixel or redirect, in the caller's transaction; `address` is an IP, cut to its network."""
    now = datetime.now(UTC)
    hit = Happening(
        source=OWN,
        kind=kind,
        at=now,
        natural_key=secrets.token_bytes(16),  # each hit is a hit: two in one second are two
        delivery_id=mailed.delivery_id,
        campaign_id=mailed.campaign_id,
        link=link,
        open_class=classify(user_agent, flagged=machine),
        user_agent=user_agent.replace("\0", "")[:LONGEST_USER_AGENT],
        network=network_of(address),
    )
    store(connection, [hit], now)


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
    )
    store(connection, [left], now)
