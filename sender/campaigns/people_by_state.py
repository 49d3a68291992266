"""The people of a campaign's ledger, one by one: who is in which state, why, and what the provider said."""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import Connection, Row, select

from daisychain.csv_cells import guarded
from sender.campaigns.status import find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.tables import Attempt, Batch, Delivery

COLUMNS = ("address", "state", "reason", "batch", "tried_at", "outcome", "status", "detail", "language")


def people(connection: Connection, campaign_id: int, state: str | None = None) -> Iterator[dict[str, Any]]:
    """Each person of a campaign, all or those in one state, with COLUMNS; read as it goes, a million is no burden.

    The columns from `tried_at` to `detail` are of the last attempt at the person's batch, and empty before the first.
    """
    campaign = find_campaign(connection, campaign_id)
    if campaign["frozen_at"] is None:
        return
    batches, emails = _batches(connection, campaign_id), emails_of(connection, campaign_id)
    starts = [batch.first_id for batch in batches]
    statement = (
        select(Delivery.id, Delivery.address, Delivery.compiled_id, Delivery.state, Delivery.reason)
        .where(
            Delivery.campaign_id == campaign_id,
            Delivery.id.between(campaign["first_delivery"], campaign["last_delivery"]),
        )
        .order_by(Delivery.id)
    )
    if state is not None:
        statement = statement.where(Delivery.state == state)
    for row in connection.execute(statement, execution_options={"yield_per": 5_000}):
        place = bisect_right(starts, row.id) - 1
        batch = batches[place] if place >= 0 and row.id <= batches[place].last_id else None
        told = batch and (batch.id, batch.started_at, batch.outcome, batch.status, batch.detail or None)
        language = emails.language_of(row.compiled_id)
        values = (row.address, row.state, row.reason, *(told or (None,) * 5), language)
        yield dict(zip(COLUMNS, values, strict=True))


def _batches(connection: Connection, campaign_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The batches as they are now, without those that were split, in the order of their people."""
    return (
        connection.execute(
            select(
                Batch.id, Batch.first_id, Batch.last_id,
                Attempt.started_at, Attempt.outcome, Attempt.status, Attempt.detail,
            )
            .outerjoin(Attempt, Attempt.id == Batch.attempt_id)
            .where(Batch.campaign_id == campaign_id, Batch.state != "split")
            .order_by(Batch.first_id)
        ).all()
    )  # fmt: skip


def write_csv(rows: Iterator[dict[str, Any]], out: TextIO, *, exact: bool = False) -> None:
    """Write people as CSV; cells that a spreadsheet could run are guarded unless `exact`."""
    writer = csv.writer(out, lineterminator="\n")
    write = (lambda row: row) if exact else guarded
    writer.writerow(COLUMNS)
    writer.writerows(write([_text(row[name]) for name in COLUMNS]) for row in rows)


def write_json(rows: Iterator[dict[str, Any]], out: TextIO) -> None:
    """Write people as a JSON array with an object each."""
    mark = "["
    for row in rows:
        out.write(f"{mark}\n{json.dumps(row, ensure_ascii=False, default=datetime.isoformat)}")
        mark = ","
    out.write("\n]\n" if mark == "," else "[]\n")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
