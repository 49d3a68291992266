"""The people of a campaign's ledger, one by one: their state, the reason, and the answer of the provider."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple, TextIO

from sqlalchemy import BigInteger, CompoundSelect, Connection, case, exists, func, literal, null, select, true

from daisychain.clock import shown_day
from daisychain.csv_cells import guarded
from lists.audience import PAUSED
from lists.tables import Member, Membership
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.person_outcome import DECIDED, decided_outcome, passing_outcome
from sender.delivery.campaign_emails import emails_of
from sender.tables import Attempt, Batch, Campaign, Delivery, State


class PersonRow(NamedTuple):
    """One person of a campaign; `tried_at` to `detail` are of their last attempt, and empty for excluded people.

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


# The address at the freeze. It kept none of the people it excluded: theirs is the member's of today, if there is one.
address_shown = case(
    (Delivery.address != "", Delivery.address),
    else_=func.coalesce(select(Member.email).where(Member.id == Delivery.member_id).scalar_subquery(), ""),
).label("address")

_PAUSED_UNTIL = case(
    (
        Delivery.reason == PAUSED,
        select(Membership.paused_until)
        .join(Campaign, Campaign.list_id == Membership.list_id)
        .where(Membership.member_id == Delivery.member_id, Campaign.id == Delivery.campaign_id)
        .scalar_subquery(),
    )
).label("paused_until")

Tried = tuple[int | None, datetime | None, str | None, int | None, str | None]  # PersonRow's from `batch` to `detail`


class PeoplePage(NamedTuple):
    """Some people of a campaign, in the order of the ledger; `next` is the last one's number if there may be more."""

    rows: list[PersonRow]
    next: int | None


def people(connection: Connection, campaign_id: int, state: str | None = None) -> Iterator[PersonRow]:
    """Yield each person of a campaign, all or only people in one state; rows are read as they are needed."""
    return (row for _, row in _numbered(connection, campaign_id, state))


def people_page(
    connection: Connection, campaign_id: int, state: str | None, *, after: int = 0, at_most: int
) -> PeoplePage:
    """Return the people after the one with the number `after`, at most so many; raises StateError."""
    found = list(_numbered(connection, campaign_id, state, after=after, at_most=at_most + 1))
    more = len(found) > at_most
    return PeoplePage([row for _, row in found[:at_most]], found[at_most - 1][0] if more else None)


def _numbered(
    connection: Connection, campaign_id: int, state: str | None, *, after: int = 0, at_most: int | None = None
) -> Iterator[tuple[int, PersonRow]]:
    campaign = find_campaign(connection, campaign_id)
    if campaign.frozen_at is None:
        return
    emails = emails_of(connection, campaign_id)
    spans = _spans(campaign, state, after).subquery()
    found = (
        select(
            Delivery.id, address_shown, Delivery.compiled_id, Delivery.state, Delivery.reason, Delivery.attempt_id,
            _PAUSED_UNTIL,
        )
        .where(
            Delivery.campaign_id == campaign_id, Delivery.id > after,
            Delivery.id.between(spans.c.first_id, spans.c.last_id), Delivery.state == state if state else true(),
        )
        .order_by(Delivery.id)
        .limit(at_most)
        .correlate(spans)
        .lateral()
    )  # fmt: skip
    # In the order of the spans, so that the database stops at the last person of a page.
    ordered = select(found, spans.c.batch, spans.c.tried).select_from(spans.join(found, true()))
    ordered = ordered.order_by(spans.c.first_id, found.c.id).limit(at_most)
    streamed = {"stream_results": at_most is None}
    for rows in connection.execute(ordered, execution_options=streamed).partitions(5_000):
        attempts = _attempts(connection, {each for row in rows for each in (row.attempt_id, row.tried)})
        for row in rows:
            # A person who waits was in the batch's attempt; so was one who was decided by an older version.
            own = None if row.state in ("waiting", "excluded") else row.attempt_id
            attempt = attempts.get(own or (row.state != "excluded" and row.tried))
            tried = _tried(row.state, row.reason, row.batch, attempt)
            reason = f"{PAUSED} until {shown_day(row.paused_until)}" if row.paused_until else row.reason
            yield row.id, PersonRow(row.address, row.state, reason, *tried, emails.language_of(row.compiled_id))


def _spans(campaign: CampaignRecord, state: str | None, after: int) -> CompoundSelect[Any]:
    """Select the ranges of ids that may have people in a state: a campaign's batches, and the rest.

    Nothing leads out of accepted, so a batch whose last attempt was accepted for each of its people has nobody else.
    """
    batches = select(Batch.first_id, Batch.last_id).where(Batch.campaign_id == campaign.id, Batch.state != "split")
    spans = batches.add_columns(Batch.id.label("batch"), Batch.attempt_id.label("tried")).where(Batch.last_id > after)
    if state not in (None, "accepted"):
        everybody = (Batch.state == "done", Attempt.accepted == Batch.last_id - Batch.first_id + 1)
        spans = spans.where(~exists().where(Attempt.id == Batch.attempt_id, *everybody))
    rest = func.coalesce(func.max(batches.subquery().c.last_id) + 1, campaign.first_delivery)
    return spans.union_all(select(rest, literal(campaign.last_delivery, BigInteger), null(), null()))


def _tried(state: State, reason: str | None, batch_id: int | None, attempt: Any) -> Tried:
    if attempt is None:
        return batch_id, None, None, None, None
    outcome, detail = decided_outcome(state, reason) if state in DECIDED else passing_outcome(attempt)
    return attempt.batch_id, attempt.started_at, outcome, attempt.status, detail or None


def _attempts(connection: Connection, ids: Collection[int | None]) -> dict[int | None, Any]:
    rows = connection.execute(select(Attempt.__table__).where(Attempt.id.in_(filter(None, ids))))
    return {row.id: row for row in rows}


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
