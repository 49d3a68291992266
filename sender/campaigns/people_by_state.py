"""The people of a campaign's ledger, one by one: their state, the reason, and the answer of the provider."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TextIO

from sqlalchemy import Connection, case, func, select

from daisychain.csv_cells import guarded
from lists.tables import Member
from sender.campaigns.campaign_record import find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.tables import Attempt, Batch, Delivery


class PersonRow(NamedTuple):
    """One person of a campaign; `tried_at` to `detail` are of the batch's last attempt, and empty before the first.

    A tuple, because a million of them are made for one file.
    """

    address: str
    state: str
    reason: str | None
    batch: int | None
    tried_at: datetime | None
    outcome: str | None
    status: int | None
    detail: str | None
    language: str


@dataclass(frozen=True)
class BatchRow:
    """One batch as it is now, with its last attempt."""

    id: int
    first_id: int
    last_id: int
    started_at: datetime | None
    outcome: str | None
    status: int | None
    detail: str | None


# The address at the freeze. It kept none of the people it excluded: theirs is the member's of today, if there is one.
address_shown = case(
    (Delivery.address != "", Delivery.address),
    else_=func.coalesce(select(Member.email).where(Member.id == Delivery.member_id).scalar_subquery(), ""),
).label("address")

Tried = tuple[int | None, datetime | None, str | None, int | None, str | None]  # PersonRow's from `batch` to `detail`


def people(connection: Connection, campaign_id: int, state: str | None = None) -> Iterator[PersonRow]:
    """Yield each person of a campaign, all or only people in one state; rows are read as they are needed."""
    campaign = find_campaign(connection, campaign_id)
    if campaign.frozen_at is None:
        return
    batches, emails = _batches(connection, campaign_id), emails_of(connection, campaign_id)
    starts = [batch.first_id for batch in batches]
    statement = (
        select(Delivery.id, address_shown, Delivery.compiled_id, Delivery.state, Delivery.reason)
        .where(
            Delivery.campaign_id == campaign_id, Delivery.id.between(campaign.first_delivery, campaign.last_delivery)
        )
        .order_by(Delivery.id)
    )
    if state is not None:
        statement = statement.where(Delivery.state == state)
    for row in connection.execute(statement, execution_options={"yield_per": 5_000}):
        place = bisect_right(starts, row.id) - 1
        batch = batches[place] if place >= 0 and row.id <= batches[place].last_id else None
        tried: Tried = (None, None, None, None, None)
        if batch:
            tried = (batch.id, batch.started_at, batch.outcome, batch.status, batch.detail or None)
        yield PersonRow(row.address, row.state, row.reason, *tried, emails.language_of(row.compiled_id))


def _batches(connection: Connection, campaign_id: int) -> list[BatchRow]:
    """Return the batches in the order of their people, without those that were split."""
    rows = connection.execute(
        select(
            Batch.id, Batch.first_id, Batch.last_id,
            Attempt.started_at, Attempt.outcome, Attempt.status, Attempt.detail,
        )
        .outerjoin(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.campaign_id == campaign_id, Batch.state != "split")
        .order_by(Batch.first_id)
    )  # fmt: skip
    return [BatchRow(*row) for row in rows]


def write_csv(rows: Iterator[PersonRow], out: TextIO, *, exact: bool = False) -> None:
    """Write people as CSV; cells that a spreadsheet could run are guarded unless `exact`."""
    writer = csv.writer(out, lineterminator="\n")
    write = (lambda row: row) if exact else guarded
    writer.writerow(PersonRow._fields)
    writer.writerows(write([_text(value) for value in row]) for row in rows)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
