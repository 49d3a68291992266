"""Warm-up of a new sending domain: how much may go out on each day, to the most engaged people first.

Mailbox providers do not know a new domain, and judge it by its first mails: send few of them, to people who read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True)
class WarmUpRow:
    """A domain that warms up: today's `ceiling` (None: past the end), and the people mailed in the last 24 hours."""

    domain: str
    started_at: datetime
    started_by: str
    ceiling: int | None
    last_day: int


def domain_of(address: str) -> str:
    """Return the domain of an address in lower case."""
    return address.rpartition("@")[2].lower()


def start(connection: Connection, domain: str, *, who: str) -> None:
    """Start a domain's warm-up today, unless it has one; raises InputError if it is not a domain."""
    name = domain.strip().lower()
    if "." not in name or "@" in name or " " in name:
        raise InputError(f"{domain!r} is not a domain.", hint="Like this: news.your-charity.org")
    begun = insert(WarmUp).values(domain=name, started_by=who).on_conflict_do_nothing().returning(WarmUp.domain)
    if connection.scalar(begun) is not None:
        _hold(connection, name)


def _hold(connection: Connection, domain: str) -> None:
    """Hold the unclaimed batches of the domain's campaigns frozen before, cut as small as the first days allow.

    A batch that is sent again by a person's decision stays whole: a late answer may still be about all of it.
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
    """Stop the warm-up of a domain; returns True if there was one."""
    return connection.execute(delete(WarmUp).where(WarmUp.domain == domain.strip().lower())).rowcount > 0


def ceiling(connection: Connection, address: str, now: datetime) -> int | None:
    """Return how many people a day may be mailed from this address's domain as of `now`; None for no limit."""
    started = connection.scalar(select(WarmUp.started_at).where(WarmUp.domain == domain_of(address)))
    if started is None:
        return None
    day = (now - started) // DAY
    return CEILINGS[max(day, 0)] if day < len(CEILINGS) else None


def left(connection: Connection, address: str, now: datetime) -> int | None:
    """Return how many more people may be mailed from this address's domain now, by all its campaigns; None for all.

    The domain stays locked until the caller's transaction ends, so that two campaigns never use the same allowance;
    returns 0 if another process has locked it.
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
    taken = int(connection.scalar(free) or 0)  # asked first: a batch claimed meanwhile counts twice, and not never
    return most - taken - mailed_since(connection, address, now - DAY)


def _of(domain: str) -> tuple[ColumnElement[bool], ...]:
    """Return the SQL conditions for a campaign from this domain, without test sends."""
    return func.lower(func.split_part(Campaign.from_address, "@", 2)) == domain, Campaign.kind != "test"


def mailed_since(connection: Connection, address: str, since: datetime) -> int:
    """Count the people in attempts from this address's domain since a time, without test sends."""
    return int(
        connection.scalar(
            select(func.coalesce(func.sum(Attempt.people), 0))
            .join(Campaign, Campaign.id == Attempt.campaign_id)
            .where(Attempt.started_at > since, *_of(domain_of(address)), sent_a_request())
        )
        or 0
    )


def list_warm_ups(connection: Connection, now: datetime) -> list[WarmUpRow]:
    """Return each domain that warms up."""
    rows = connection.execute(select(WarmUp.domain, WarmUp.started_at, WarmUp.started_by).order_by(WarmUp.domain))
    return [
        WarmUpRow(
            *row, ceiling(connection, f"@{row.domain}", now), mailed_since(connection, f"@{row.domain}", now - DAY)
        )
        for row in rows.all()
    ]


def engagement() -> Subquery:
    """Return a subquery of when each member last opened or clicked anything, if counted: (member_id, last)."""
    seen = func.max(func.greatest(Rollup.first_human_open_at, Rollup.first_click_at))
    return (
        select(Delivery.member_id, seen.label("last"))
        .join(Rollup, Rollup.delivery_id == Delivery.id)
        .where(func.coalesce(Rollup.first_human_open_at, Rollup.first_click_at).isnot(None))
        .group_by(Delivery.member_id)
        .subquery()
    )
