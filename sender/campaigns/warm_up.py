"""Warming a new sending domain up: how much may go out on each day, and the most engaged people first.

Mailbox providers do not know a new domain, and judge it by its first mails: few of them, to people who read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import InputError
from sender.delivery.outcomes import sent_a_request
from sender.providers.provider import Verdict
from sender.tables import Attempt, Batch, Campaign, Delivery, Rollup, WarmUp

# People a day, from the first day on; after the last there is no ceiling. It follows the shape of what the large
# providers publish (SendGrid's schedule begins with 50 and has passed 100,000 after two weeks), on the slow side.
CEILINGS = (
    50, 100, 250, 500, 1_000, 1_500, 2_500, 4_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000,
    40_000, 55_000, 70_000, 100_000, 150_000, 200_000, 250_000, 350_000, 500_000, 700_000, 1_000_000,
)  # fmt: skip
# A batch of a campaign that warms up is no larger than the first day.
BATCH = CEILINGS[0]
DAY = timedelta(days=1)


def domain_of(address: str) -> str:
    """The domain of an address, as warm-ups know it."""
    return address.rpartition("@")[2].lower()


def start(connection: Connection, domain: str, *, who: str) -> None:
    """Begin to warm a domain up, today; raises InputError for what is no domain. One that began goes on."""
    name = domain.strip().lower()
    if "." not in name or "@" in name or " " in name:
        raise InputError(f"{domain!r} is no domain.", hint="Like this: news.your-charity.org")
    begun = insert(WarmUp).values(domain=name, started_by=who).on_conflict_do_nothing().returning(WarmUp.domain)
    if connection.scalar(begun) is not None:
        _hold(connection, name)


def _hold(connection: Connection, domain: str) -> None:
    """Hold what is free of the domain's campaigns that were frozen before, in batches that the first days allow.

    A batch that somebody has sent again stays whole: a late answer may still be about all of it.
    """
    rows = connection.execute(
        select(Batch.__table__, Attempt.outcome)
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .outerjoin(Attempt, Attempt.id == Batch.attempt_id)
        .where(*_of(domain), Campaign.state.in_(["sending", "paused"]), Batch.state == "waiting")
        .order_by(Batch.id)
        .with_for_update(of=Batch, skip_locked=True)
    ).all()
    connection.execute(update(Batch).where(Batch.id.in_([row.id for row in rows])).values(held=True))
    large = [row for row in rows if row.last_id - row.first_id >= BATCH and row.outcome != Verdict.UNCERTAIN.value]
    parts = [
        {
            "campaign_id": row.campaign_id, "compiled_id": row.compiled_id, "first_id": first,
            "last_id": min(first + BATCH - 1, row.last_id), "not_before": row.not_before, "tries": row.tries,
            "held": True,
        }
        for row in large
        for first in range(row.first_id, row.last_id + 1, BATCH)
    ]  # fmt: skip
    if parts:
        connection.execute(insert(Batch), parts)
        connection.execute(
            update(Batch).where(Batch.id.in_([row.id for row in large])).values(state="split", held=False)
        )


def stop(connection: Connection, domain: str) -> bool:
    """End the warm-up of a domain; True if there was one."""
    return connection.execute(delete(WarmUp).where(WarmUp.domain == domain.strip().lower())).rowcount > 0


def ceiling(connection: Connection, address: str, now: datetime) -> int | None:
    """How many people may be mailed from this address's domain in a day, as of `now`; None where there is no limit."""
    started = connection.scalar(select(WarmUp.started_at).where(WarmUp.domain == domain_of(address)))
    if started is None:
        return None
    day = (now - started) // DAY
    return CEILINGS[max(day, 0)] if day < len(CEILINGS) else None


def left(connection: Connection, address: str, now: datetime) -> int | None:
    """How many more people may be let go from this address's domain, by all its campaigns; None for all.

    The domain stays locked until the caller's transaction ends, so that two campaigns never count the same room; 0
    where somebody else is counting.
    """
    most = ceiling(connection, address, now)
    if most is None:
        return None
    locked = select(WarmUp.domain).where(WarmUp.domain == domain_of(address)).with_for_update(skip_locked=True)
    if connection.scalar(locked) is None:
        return 0
    free = (
        select(func.coalesce(func.sum(Batch.last_id - Batch.first_id + 1), 0))
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .where(
            *_of(domain_of(address)), Campaign.state.in_(["sending", "paused"]), Batch.state == "waiting", ~Batch.held
        )
    )
    return most - mailed_since(connection, address, now - DAY) - int(connection.scalar(free) or 0)


def _of(domain: str) -> tuple[ColumnElement[bool], ...]:
    """The SQL conditions for a campaign to be from this domain, tests left out."""
    return func.lower(func.split_part(Campaign.from_address, "@", 2)) == domain, Campaign.kind == "campaign"


def mailed_since(connection: Connection, address: str, since: datetime) -> int:
    """How many people attempts from this address's domain have asked for since a time, tests left out."""
    return int(
        connection.scalar(
            select(func.coalesce(func.sum(Attempt.people), 0))
            .join(Campaign, Campaign.id == Attempt.campaign_id)
            .where(Attempt.started_at > since, *_of(domain_of(address)), sent_a_request())
        )
        or 0
    )


def overview(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Each domain that warms up: since when, today's ceiling (None: past the end) and people in the last 24 hours."""
    rows = connection.execute(select(WarmUp.__table__).order_by(WarmUp.domain)).mappings()
    return [
        {
            **row,
            "ceiling": ceiling(connection, f"@{row['domain']}", now),
            "last_day": mailed_since(connection, f"@{row['domain']}", now - DAY),
        }
        for row in rows.all()
    ]


def engagement() -> Subquery:
    """When each member last opened or clicked anything, as far as that was counted: (member_id, last)."""
    seen = func.max(func.greatest(Rollup.first_human_open_at, Rollup.first_click_at))
    return (
        select(Delivery.member_id, seen.label("last"))
        .join(Rollup, Rollup.delivery_id == Delivery.id)
        .where(func.coalesce(Rollup.first_human_open_at, Rollup.first_click_at).isnot(None))
        .group_by(Delivery.member_id)
        .subquery()
    )
