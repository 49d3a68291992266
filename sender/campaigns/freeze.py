"""The freeze: records who is to be mailed, each address once, and who is excluded and why.

Of the excluded it keeps the member's id and the reason only: they get nothing, so no address or value is needed.

One INSERT … SELECT. Mailable people come first, so each batch is a contiguous range of ids. If a campaign has several
languages, each batch has people of one language, and batches of all languages alternate. So do batches of people who
see the same parts of the email, if the provider gains by it, and of people whose own reading is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from daisychain.database import database_now
from daisychain.errors import StateError
from lists.addresses import address_key
from lists.tables import MailingList
from newsletters.stored.versions import mark_sent
from sender.campaigns import warm_up
from sender.campaigns.campaign_record import TRACKING, CampaignRecord, find_campaign
from sender.campaigns.follow_ups import audience_of
from sender.delivery import batch_jobs
from sender.delivery.campaign_emails import email_given, emails_of, fields_of
from sender.delivery.campaign_states import turn
from sender.delivery.contact_batches import CONTACT
from sender.delivery.contact_refusals import why_not
from sender.delivery.cutting import Cutting, cut_by_email, cut_by_place
from sender.delivery.same_parts import kinds_of
from sender.links.reader_groups import MODES, make_groups
from sender.tables import Campaign, Delivery, LedgerMove

# One freeze at a time: rows of two would alternate, and batches are ranges of ids. The lock's number is arbitrary.
LOCK = 0x0DA1F2EE


def wait_for_freeze(connection: Connection) -> None:
    """Wait for a freeze under way, and let none begin before this transaction ends, which should be soon.

    So an import is on its list before an audience is written down, or after it, but not while it is.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def freeze(connection: Connection, campaign_id: int, *, batch_size: int, by_conditions: bool = False) -> int:
    """Freeze a draft's audience, cut its batches and wake slots, all in the caller's transaction.

    With `by_conditions`, a batch has people who see the same parts of the email, if enough do.
    Returns the number of people in the ledger, including the excluded. Raises StateError unless it is a draft.
    """
    campaign = _start(connection, campaign_id)
    mark_sent(connection, campaign_id)
    emails = emails_of(connection, campaign_id)
    dimensions = connection.scalar(select(MailingList.dimensions).where(MailingList.id == campaign.list_id)) or []
    audience = audience_of(connection, campaign)
    # Without the OFFSET, PostgreSQL works each value out again wherever it is used: with conditions, twice the time.
    people = audience.people(fields_of(connection, emails), dimensions).offset(0).subquery()
    now = database_now(connection)
    warming = warm_up.ceiling(connection, campaign.from_address, now) is not None
    later = campaign.starts_at is not None and campaign.starts_at > now
    cutting = _cutting(campaign, batch_size, later, warming, emails.several)
    cutting = replace(cutting, per_person=campaign.tracking == "per person")
    if by_conditions:
        cutting = replace(cutting, kinds=kinds_of(connection, audience, emails))
    before = _newest(connection)
    # With this the join and sort of a million people fit into memory: 4.7 s instead of 9.0.
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    excluded = people.c.exclusion.isnot(None)
    frozen = select(
        literal(campaign_id).label("campaign_id"),
        people.c.member_id,
        case((excluded, "excluded"), else_="waiting").label("state"),
        people.c.exclusion.label("reason"),
        case((excluded, ""), else_=people.c.address).label("address"),
        case((excluded, literal({}, JSONB)), else_=people.c.inputs).label("inputs"),
        (email_given(emails, people.c.language) if emails.several else cast(null(), BigInteger)).label("compiled_id"),
        case((~excluded, people.c.dimensions)).label("dimensions"),
        (case((~excluded & people.c.reads_agreed, true())) if cutting.per_person else cast(null(), Boolean)).label(
            "per_person"
        ),
    )
    order: list[ColumnElement[Any]] = [people.c.member_id]
    if warming:
        engaged = warm_up.engagement()
        frozen = frozen.outerjoin(engaged, engaged.c.member_id == people.c.member_id)
        order.insert(0, engaged.c.last.desc().nulls_last())
    if emails.several or ((cutting.kinds or cutting.per_person) and (warming or cutting.canary)):
        ordered = _alternating(frozen, excluded, order, cutting)
        cutting = replace(cutting, several=True)
    else:
        place = cutting.place(excluded, frozen.selected_columns)
        ordered = frozen.order_by(*((excluded, *order) if warming else (place,)))
    columns = [
        "campaign_id", "member_id", "state", "reason", "address", "inputs", "compiled_id", "dimensions", "per_person",
    ]  # fmt: skip
    connection.execute(insert(Delivery).from_select(columns, ordered))
    if campaign.tracking in MODES:
        make_groups(connection, campaign_id, campaign.compiled_id, after=before)
    return _cut(connection, campaign, cutting, after=before)


def _alternating(
    frozen: Select[*tuple[Any, ...]], excluded: ColumnElement[bool], order: list[ColumnElement[Any]], cutting: Cutting
) -> Select[*tuple[Any, ...]]:
    """Order `frozen` so that each batch to be cut is of one language, at the place of its first person.

    So no language waits for another one to finish, and the most engaged people still go first. The canary has its share
    of each language.
    """
    columns = frozen.selected_columns
    alike = [columns.compiled_id, *cutting.alike(columns)]
    common = [each.label(f"common{at}") for at, each in enumerate(alike)]
    alike = [excluded, *common]
    placed = frozen.add_columns(
        excluded.label("excluded"),
        *common,
        func.row_number().over(order_by=order).label("place"),
        func.row_number().over(partition_by=alike, order_by=order).label("own"),
        cutting.share(func.count().over(partition_by=alike), func.count().over(partition_by=excluded)).label("share"),
    ).subquery()
    in_rest = placed.c.own > placed.c.share
    lot = case((in_rest, (placed.c.own - placed.c.share - 1) // cutting.size), else_=-1)
    own = [placed.c[each.name] for each in common]
    first = func.min(placed.c.place).over(partition_by=[placed.c.excluded, *own, lot])
    return select(*(placed.c[column.name] for column in columns)).order_by(
        placed.c.excluded, in_rest, first, placed.c.place
    )


def freeze_tests(
    connection: Connection, campaign_id: int, people: Sequence[tuple[str, int, Mapping[str, str | None]]]
) -> None:
    """Freeze a test send's (address, compiled email, merge inputs), one batch each, in the caller's transaction.

    Each gets its own request: all mails of a SendGrid request share one Message-ID, so Gmail may show only one of
    several in the same mailbox (anymail#15).
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


def freeze_contacts(
    connection: Connection, campaign_id: int, people: Sequence[tuple[str, Mapping[str, str]]], *, batch_size: int
) -> list[int]:
    """Freeze people who are on no list, given as (address, merge inputs), in the caller's transaction.

    Each counts, with the reason if they must not be mailed. Returns their deliveries' ids, in the order of `people`.
    """
    campaign = _start(connection, campaign_id)
    before = _newest(connection)
    refused = why_not(connection, [address for address, _ in people])
    reasons = [refused.get(address_key(address)) for address, _ in people]
    # Mailable people first, so that a batch is a range of ids.
    order = sorted(range(len(people)), key=lambda at: reasons[at] is not None)
    of_all = {"campaign_id": campaign_id, "kind": CONTACT}
    rows = [
        {**of_all, "state": "excluded", "reason": reason, "address": "", "inputs": {}}
        if (reason := reasons[at])
        else {**of_all, "state": "waiting", "reason": None, "address": people[at][0], "inputs": dict(people[at][1])}
        for at in order
    ]
    returning = insert(Delivery).returning(Delivery.id, sort_by_parameter_order=True)
    ids = dict(zip(order, connection.scalars(returning, rows), strict=True))
    warming = warm_up.ceiling(connection, campaign.from_address, database_now(connection)) is not None
    _cut(connection, campaign, _cutting(campaign, batch_size, False, warming, False), after=before)
    return [ids[at] for at in range(len(people))]


def _start(connection: Connection, campaign_id: int) -> CampaignRecord:
    wait_for_freeze(connection)
    campaign = find_campaign(connection, campaign_id)
    begun = turn(
        connection, campaign_id, "sending", from_states=["draft", "scheduled", "paused"],
        where=Campaign.frozen_at.is_(None), frozen_at=func.now(), pause_reason="",
        **{name: getattr(campaign, name) for name in TRACKING},
    )  # fmt: skip
    if not begun:
        raise StateError(f"Campaign {campaign_id} is not a draft: its audience is already frozen.")
    return find_campaign(connection, campaign_id)


def _newest(connection: Connection) -> int:
    # Under the lock, all newer rows are ours: this replaces an index on the campaign.
    return connection.scalar(select(func.coalesce(func.max(Delivery.id), 0))) or 0


def _cutting(campaign: CampaignRecord, batch_size: int, later: bool, warming: bool, several: bool) -> Cutting:
    sizes = [batch_size]
    if campaign.per_minute:
        # Five seconds' worth, so that mail flows evenly.
        sizes.append(max(campaign.per_minute // 12, 1))
    if warming:
        sizes.append(warm_up.BATCH)
    held = bool(later or campaign.per_minute or warming or campaign.opens_at is not None)
    return Cutting(min(sizes), campaign.canary, held, several)


def _cut(connection: Connection, campaign: CampaignRecord, cutting: Cutting, *, after: int) -> int:
    """Record the range of a campaign's new deliveries, cut batches, wake slots; returns how many people."""
    # Who has a reason is excluded. Counted by the state as well, a million rows take twice as long.
    by = (Delivery.compiled_id, Delivery.reason)
    ids = (func.min(Delivery.id).label("first"), func.max(Delivery.id).label("last"))
    counted = select(*by, func.count().label("people"), *ids).where(Delivery.id > after).group_by(*by)
    if not cutting.several:
        counted = counted.group_by(*cutting.alike(Delivery))
    new = connection.execute(counted).mappings().all()
    if new:
        moves = [
            {
                "campaign_id": campaign.id, "compiled_id": row["compiled_id"], "people": row["people"],
                "state": "excluded" if row["reason"] else "waiting", "reason": row["reason"] or "",
            }
            for row in new
        ]  # fmt: skip
        connection.execute(insert(LedgerMove), moves)
    waiting = [row for row in new if not row["reason"]]
    people = sum(int(row["people"]) for row in new)
    rest_from = None
    if waiting and cutting.several:
        first, last = min(row["first"] for row in waiting), max(row["last"] for row in waiting)
        rest_from = cut_by_email(connection, campaign.id, campaign.compiled_id, cutting, first, last)
    elif waiting:
        spans = sorted((row["first"], row["last"]) for row in waiting)
        rest_from = cut_by_place(connection, campaign.id, campaign.compiled_id, cutting, spans)
    connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign.id)
        .values(
            intended=people, rest_from=rest_from,
            segment_people=sum(int(row["people"]) for row in waiting) if campaign.segment else None,
            first_delivery=min((row["first"] for row in new), default=None),
            last_delivery=max((row["last"] for row in new), default=None),
        )
    )  # fmt: skip
    batch_jobs.wake(connection, campaign.id)
    return people
