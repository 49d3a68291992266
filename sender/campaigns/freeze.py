"""The freeze: write down who is to be mailed, once a campaign and once an address, and who is not and why.

One INSERT … SELECT; the mailable come first, so that each batch is a contiguous range of ids. Where a campaign has
several languages, a batch holds people of one, and the batches of all of them take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, insert, literal, null, or_, select, text, update

from daisychain.errors import StateError
from lists.audience import audience_of
from sender.campaigns import warm_up
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.follow_ups import source_of
from sender.delivery import batch_jobs
from sender.delivery.campaign_emails import email_given, emails_of, fields_of
from sender.delivery.campaign_states import turn
from sender.tables import Batch, Campaign, Delivery

# Freezes take turns: rows of two at once would lie between each other, and batches are ranges of ids.
LOCK = 0x0DA1F2EE


@dataclass(frozen=True)
class Cutting:
    """The cutting of batches: people in each, people in the canary (0: none), and whether a plan holds them back.

    `several` where people get different emails, which no batch may mix.
    """

    size: int
    canary: int = 0
    held: bool = False
    several: bool = False

    def share(self, people: ColumnElement[int], everybody: ColumnElement[int]) -> ColumnElement[int]:
        """SQL for how many of the `people` of one language are in the canary: their part of it, rounded up."""
        if not self.canary:
            return literal(0)
        return (self.canary * people + everybody - 1) // everybody


def freeze(connection: Connection, campaign_id: int, *, batch_size: int) -> int:
    """Freeze a draft's audience, cut its batches and defer their jobs, all in the caller's transaction.

    Returns the number of people written down, the excluded ones too. Raises StateError unless it is a draft.
    """
    campaign = _start(connection, campaign_id)
    emails = emails_of(connection, campaign_id)
    people = audience_of(source_of(connection, campaign)).people(fields_of(connection, emails)).subquery()
    warming = warm_up.ceiling(connection, campaign.from_address, datetime.now(UTC)) is not None
    cutting = _cutting(campaign, batch_size, warming, emails.several)
    before = _newest(connection)
    # The select's join and sort of a million fit into memory with this: 4.7 s instead of 9.0.
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    frozen = select(
        literal(campaign_id).label("campaign_id"),
        people.c.member_id,
        case((people.c.exclusion.is_(None), "waiting"), else_="excluded").label("state"),
        people.c.exclusion.label("reason"),
        people.c.address,
        people.c.inputs,
        (email_given(emails, people.c.language) if emails.several else null()).label("compiled_id"),
    )
    order: list[ColumnElement[Any]] = [people.c.member_id]
    if warming:
        engaged = warm_up.engagement()
        frozen = frozen.outerjoin(engaged, engaged.c.member_id == people.c.member_id)
        order.insert(0, engaged.c.last.desc().nulls_last())
    excluded = people.c.exclusion.isnot(None)
    ordered = _in_turns(frozen, excluded, order, cutting) if emails.several else frozen.order_by(excluded, *order)
    columns = ["campaign_id", "member_id", "state", "reason", "address", "inputs", "compiled_id"]
    connection.execute(insert(Delivery).from_select(columns, ordered))
    return _cut(connection, campaign, cutting, after=before)


def _in_turns(
    frozen: Select[*tuple[Any, ...]], excluded: ColumnElement[bool], order: list[ColumnElement[Any]], cutting: Cutting
) -> Select[*tuple[Any, ...]]:
    """Order `frozen` so that each batch to be cut is of one language, at the place of its first person.

    No language waits for another one to be through, and the most engaged still go first. The canary has its share
    of each language.
    """
    alike = [excluded, frozen.selected_columns.compiled_id]
    placed = frozen.add_columns(
        excluded.label("excluded"),
        func.row_number().over(order_by=order).label("place"),
        func.row_number().over(partition_by=alike, order_by=order).label("own"),
        cutting.share(func.count().over(partition_by=alike), func.count().over(partition_by=excluded)).label("share"),
    ).subquery()
    in_rest = placed.c.own > placed.c.share
    lot = case((in_rest, (placed.c.own - placed.c.share - 1) // cutting.size), else_=-1)
    first = func.min(placed.c.place).over(partition_by=[placed.c.excluded, placed.c.compiled_id, lot])
    columns = [placed.c[column.name] for column in frozen.selected_columns]
    return select(*columns).order_by(placed.c.excluded, in_rest, first, placed.c.place)


def freeze_tests(
    connection: Connection, campaign_id: int, people: Sequence[tuple[str, int, Mapping[str, str | None]]]
) -> None:
    """Write a test send's (address, compiled email, merge inputs) down, one batch each, in the caller's transaction.

    They go out one to a request: all mails of a request share one Message-ID, and a mailbox that gets several of
    them may show only one (anymail#15).
    """
    campaign = _start(connection, campaign_id)
    before = _newest(connection)
    connection.execute(
        insert(Delivery),
        [
            {
                "campaign_id": campaign_id, "kind": "test", "address": address, "compiled_id": compiled_id,
                "inputs": dict(inputs),
            }
            for address, compiled_id, inputs in people
        ],
    )  # fmt: skip
    _cut(connection, campaign, Cutting(size=1, several=True), after=before)


def _start(connection: Connection, campaign_id: int) -> CampaignRecord:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    begun = turn(
        connection, campaign_id, "sending", from_states=["draft", "scheduled", "paused"],
        where=Campaign.frozen_at.is_(None), frozen_at=func.now(), pause_reason="",
    )  # fmt: skip
    if not begun:
        raise StateError(f"Campaign {campaign_id} is not a draft: its audience is already frozen.")
    return find_campaign(connection, campaign_id)


def _newest(connection: Connection) -> int:
    # Under the lock, all that is newer than this is ours: no index on the campaign is needed to find it again.
    return connection.scalar(select(func.coalesce(func.max(Delivery.id), 0))) or 0


def _cutting(campaign: CampaignRecord, batch_size: int, warming: bool, several: bool) -> Cutting:
    sizes = [batch_size]
    if campaign.per_minute:
        # A twelfth of a minute's worth: it flows, rather than come in gushes.
        sizes.append(max(campaign.per_minute // 12, 1))
    if warming:
        sizes.append(warm_up.BATCH)
    later = campaign.starts_at is not None and campaign.starts_at > datetime.now(UTC)
    held = bool(later or campaign.per_minute or warming or campaign.opens_at is not None)
    return Cutting(min(sizes), campaign.canary, held, several)


def _cut(connection: Connection, campaign: CampaignRecord, cutting: Cutting, *, after: int) -> int:
    """Note the range of a campaign's fresh deliveries and return how many they are; cut batches, defer their jobs."""
    waits = Delivery.state == "waiting"
    fresh = connection.execute(
        select(
            func.count().label("people"),
            func.min(Delivery.id).label("first"),
            func.max(Delivery.id).label("last"),
            func.min(Delivery.id).filter(waits).label("first_waiting"),
            func.max(Delivery.id).filter(waits).label("last_waiting"),
        ).where(Delivery.id > after)
    ).one()
    rest_from = None
    if fresh.first_waiting is not None:
        cut = _cut_by_email if cutting.several else _cut_by_place
        rest_from = cut(connection, campaign, cutting, fresh.first_waiting, fresh.last_waiting)
    connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign.id)
        .values(
            intended=fresh.people, first_delivery=fresh.first, last_delivery=fresh.last, rest_from=rest_from,
        )
    )  # fmt: skip
    batch_jobs.defer_waiting(connection, campaign.id)
    return int(fresh.people)


def _cut_by_place(
    connection: Connection, campaign: CampaignRecord, cutting: Cutting, first: int, last: int
) -> int | None:
    """Cut the ids from `first` to `last`, all of people who wait; returns where the rest begins after a canary."""
    rest = first + cutting.canary
    starts = [*range(first, min(rest, last + 1), cutting.size), *range(rest, last + 1, cutting.size)]
    rows = [
        {
            "campaign_id": campaign.id,
            "compiled_id": campaign.compiled_id,
            "first_id": start,
            "last_id": min(start + cutting.size - 1, rest - 1 if start < rest else last, last),
            "held": cutting.held or (start >= rest and cutting.canary > 0),
        }
        for start in starts
    ]
    connection.execute(insert(Batch), rows)
    return rest if cutting.canary and rest <= last else None


def _cut_by_email(
    connection: Connection, campaign: CampaignRecord, cutting: Cutting, first: int, last: int
) -> int | None:
    """The same where people get different emails, which no batch may mix."""
    alike = Delivery.compiled_id
    place = func.row_number().over(partition_by=alike, order_by=Delivery.id) - 1
    canary = cutting.share(func.count().over(partition_by=alike), func.count().over())
    # Numbered apart, so that no batch holds people of both; the rest is held until the canary has passed.
    in_rest = place >= canary
    number = case((in_rest, (place - canary) // cutting.size), else_=place // cutting.size)
    compiled = func.coalesce(Delivery.compiled_id, campaign.compiled_id)
    numbered = (
        select(Delivery.id, number.label("batch"), in_rest.label("rest"), compiled.label("compiled_id"))
        .where(Delivery.id.between(first, last))
        .subquery()
    )
    held = or_(literal(cutting.held), numbered.c.rest & literal(cutting.canary > 0))
    start, end = func.min(numbered.c.id), func.max(numbered.c.id)
    connection.execute(
        insert(Batch).from_select(
            ["campaign_id", "compiled_id", "first_id", "last_id", "held"],
            select(literal(campaign.id), numbered.c.compiled_id, start, end, held)
            .group_by(numbered.c.compiled_id, numbered.c.rest, numbered.c.batch)
            .order_by(start),
        )
    )
    return connection.scalar(select(func.min(numbered.c.id)).where(numbered.c.rest)) if cutting.canary else None
