"""The freeze: write down who is to be mailed, once a campaign and once an address, and who is not and why.

One INSERT … SELECT; the mailable come first, so that each batch is a contiguous range of ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, insert, literal, select, text, update

from daisychain.errors import StateError
from lists.audience import audience as audience_of
from newsletters.tables import StoredEmail
from sender import tasks
from sender.tables import Batch, Campaign, Delivery

# Freezes take turns: rows of two at once would lie between each other, and batches are ranges of ids.
LOCK = 0x0DA1F2EE


def freeze(connection: Connection, campaign_id: int, *, batch_size: int) -> int:
    """Freeze a draft's audience, cut its batches and defer their jobs, all in the caller's transaction.

    Returns the number of people written down, the excluded ones too. Raises StateError unless it is a draft.
    """
    campaign = _start(connection, campaign_id)
    fields = connection.execute(
        select(StoredEmail.content["fields"]).where(StoredEmail.id == campaign.compiled_id)
    ).scalar_one()
    people = audience_of(campaign.list_id, fields).subquery()
    before = _newest(connection)
    # The select's join and sort of a million fit into memory with this: 4.7 s instead of 9.0.
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(
        insert(Delivery).from_select(
            ["campaign_id", "member_id", "state", "reason", "address", "inputs"],
            select(
                literal(campaign_id),
                people.c.member_id,
                case((people.c.exclusion.is_(None), "waiting"), else_="excluded"),
                people.c.exclusion,
                people.c.address,
                people.c.inputs,
            ).order_by(people.c.exclusion.isnot(None), people.c.member_id),
        )
    )
    return _cut(connection, campaign_id, after=before, batch_size=batch_size)


def freeze_tests(connection: Connection, campaign_id: int, people: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Write down the (address, merge inputs) of a test send, one batch each, in the caller's transaction.

    They go out one to a request: all mails of a request share one Message-ID, and a mailbox that gets several of
    them may show only one (anymail#15).
    """
    _start(connection, campaign_id)
    before = _newest(connection)
    connection.execute(
        insert(Delivery),
        [
            {"campaign_id": campaign_id, "kind": "test", "address": address, "inputs": dict(inputs)}
            for address, inputs in people
        ],
    )
    _cut(connection, campaign_id, after=before, batch_size=1)


def _start(connection: Connection, campaign_id: int) -> Any:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    campaign = connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == "draft")
        .values(state="sending", frozen_at=func.now())
        .returning(Campaign.list_id, Campaign.compiled_id)
    ).one_or_none()
    if campaign is None:
        raise StateError(f"Campaign {campaign_id} is not a draft: its audience is already frozen.")
    return campaign


def _newest(connection: Connection) -> int:
    # Under the lock, all that is newer than this is ours: no index on the campaign is needed to find it again.
    return connection.scalar(select(func.coalesce(func.max(Delivery.id), 0))) or 0


def _cut(connection: Connection, campaign_id: int, *, after: int, batch_size: int) -> int:
    """Note the range of a campaign's fresh deliveries and return how many they are; cut batches, defer their jobs."""
    number = (func.row_number().over(order_by=Delivery.id) - 1) // batch_size
    numbered = (
        select(Delivery.id, number.label("batch")).where(Delivery.id > after, Delivery.state == "waiting").subquery()
    )
    compiled = select(Campaign.compiled_id).where(Campaign.id == campaign_id).scalar_subquery()
    connection.execute(
        insert(Batch).from_select(
            ["campaign_id", "compiled_id", "first_id", "last_id"],
            select(literal(campaign_id), compiled, func.min(numbered.c.id), func.max(numbered.c.id))
            .group_by(numbered.c.batch)
            .order_by(numbered.c.batch),
        )
    )
    fresh = select(func.count(), func.min(Delivery.id), func.max(Delivery.id)).where(Delivery.id > after)
    intended, first, last = connection.execute(fresh).one()
    connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(intended=intended, first_delivery=first, last_delivery=last)
    )
    tasks.defer_waiting(connection, campaign_id)
    return int(intended)
