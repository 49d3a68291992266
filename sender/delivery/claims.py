"""Claim a batch for one request: take it, read its people, and record the attempt, which is committed before it leaves.

Two statements do it: a conditional UPDATE takes the batch, and one more reads its people and records the attempt. So a
crash leaves a batch in `sending` whose sender is dead. Such a batch is uncertain: it is never sent again automatically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from lists.audience import PAUSED, RESTRICTED
from lists.tables import Member, Membership, Suppression
from sender.delivery import outcomes
from sender.delivery.campaign_states import finish_if_done
from sender.delivery.contact_batches import CONTACTS, PersonToMail, ReadLateValues, contacts_to_mail, no_late_values
from sender.delivery.ledger import Span, exclude
from sender.tables import Attempt, Batch, Campaign, Delivery, Sender, without_address


def _lacks(provider: Any) -> ColumnElement[bool]:
    """Return the SQL condition that the claiming process can't send through a provider."""
    return select(Sender.id).where(Sender.id == bindparam("sender"), Sender.lacks.has_key(provider)).exists()


def _claimable(which: ColumnElement[bool], campaign: Any) -> Select[int]:
    """Select the batches of a campaign that may be claimed now, locked.

    A row that somebody has locked is skipped: their machine may have vanished in the middle of its own claim.
    """
    can_send = and_(Campaign.id == campaign, Campaign.state == "sending", ~_lacks(Campaign.provider))
    return (
        select(Batch.id)
        .where(which, Batch.state == "waiting", Batch.held.is_(False), Batch.not_before <= func.now())
        .where(select(Campaign.id).where(can_send).exists())
        .with_for_update(of=Batch, skip_locked=True)
    )


def _taking(batch: Select[int]) -> ReturningUpdate[*tuple[Any, ...]]:
    """Write the statement that takes the one batch which `batch` selects, if it selects one."""
    return (
        update(Batch)
        .where(Batch.id == batch.scalar_subquery(), Campaign.id == Batch.campaign_id)
        .values(state="sending", sender_id=bindparam("sender"))
        .returning(
            Batch.id, Batch.campaign_id, Batch.compiled_id, Batch.first_id, Batch.last_id, Batch.sender_id,
            Campaign.provider, Campaign.kind, Campaign.list_id,
        )
    )  # fmt: skip


# What came back or was cut goes before what has waited since the freeze: if the provider refuses everything, the parts
# of a refused batch show it soonest.
_FROZEN_AT = select(Campaign.frozen_at).where(Campaign.id == bindparam("campaign")).scalar_subquery()
_IN_TURN = ((Batch.not_before > _FROZEN_AT).desc(), Batch.id)
# The campaign is a parameter here: joined, it would be asked for each of thousands of batches.
_OWN = Batch.campaign_id == bindparam("campaign")
_TAKE_NEXT = _taking(_claimable(_OWN, bindparam("campaign")).order_by(*_IN_TURN).limit(1))
_TAKE = _taking(_claimable(Batch.id == bindparam("batch"), Batch.campaign_id))
# The waiting people of a span, and why to exclude those who may not be mailed any more since the freeze.
_EXCLUDED = case(
    # Of a freeze that was under way when somebody was erased, only the member is missing.
    (or_(without_address, and_(Delivery.member_id.is_not(None), Member.id.is_(None))), "suppressed_late"),
    (Member.id.is_(None), null()),
    (or_(Suppression.address_key.is_not(None), Membership.state.is_distinct_from("subscribed")), "suppressed_late"),
    (Member.restricted_at.is_not(None), RESTRICTED),
    (Membership.paused_until > func.now(), PAUSED),
)
_WAITING = (
    select(
        Delivery.id,
        Delivery.address,
        Delivery.inputs,
        _EXCLUDED.label("excluded"),
        Delivery.per_person,
        Delivery.dimensions,
    )
    .select_from(Delivery)
    .outerjoin(Member, Member.id == Delivery.member_id)
    .outerjoin(Membership, and_(Membership.list_id == bindparam("list"), Membership.member_id == Member.id))
    .outerjoin(Suppression, Suppression.address_key == Member.address_key)
    .where(
        Delivery.campaign_id == bindparam("campaign"),
        Delivery.id.between(bindparam("first"), bindparam("last")),
        Delivery.state == "waiting",
    )
    .order_by(Delivery.id)
    .cte("waiting")
)


def _recording(people: Select[int]) -> Select[*tuple[Any, ...]]:
    """Write the statement that records an attempt at as many people as `people` counts, if it does; its id and time."""
    batch = bindparam("batch", type_=BigInteger)
    own = people.add_columns(batch, bindparam("campaign", type_=BigInteger), bindparam("sender", type_=BigInteger))
    attempt = (
        insert(Attempt)
        .from_select(["people", "batch_id", "campaign_id", "sender_id"], own)
        .returning(Attempt.id, Attempt.started_at)  # the transaction's time
        .cte("attempt")
    )
    id_ = select(attempt.c.id).scalar_subquery()
    named = update(Batch).where(Batch.id == batch, id_.is_not(None)).values(attempt_id=id_).cte("named")
    return select(id_.label("id"), select(attempt.c.started_at).scalar_subquery().label("started_at")).add_cte(named)


_TO_MAIL = select(func.count()).where(_WAITING.c.excluded.is_(None)).having(func.count() > 0)
# One text for all: with rows, each with a JSON value, a claim takes twice the CPU in our process.
_ALL = select(cast(func.json_agg(func.json_build_array(*_WAITING.c)), Text)).scalar_subquery()
_READ_AND_RECORD = _recording(_TO_MAIL).add_columns(_ALL.label("people"))
_RECORD = _recording(select(bindparam("people", type_=Integer)))


@dataclass(frozen=True)
class Claim:
    """A batch claimed by this sender, with the attempt that is already recorded."""

    attempt_id: int
    started_at: datetime
    batch_id: int
    campaign_id: int
    provider: str
    compiled_id: int
    people: Sequence[PersonToMail]


Taken = Row[*tuple[Any, ...]]


def take_next(connection: Connection, campaign_id: int, sender_id: int) -> Taken | None:
    """Take the batch of a campaign whose turn it is, in the caller's transaction; None if none can be claimed."""
    return connection.execute(_TAKE_NEXT, {"campaign": campaign_id, "sender": sender_id}).one_or_none()


def take(connection: Connection, batch_id: int, sender_id: int) -> Taken | None:
    """Take a batch, in the caller's transaction; None if it can't be claimed."""
    return connection.execute(_TAKE, {"batch": batch_id, "sender": sender_id}).one_or_none()


def claim(connection: Connection, batch: Taken, late_values: ReadLateValues = no_late_values) -> Claim | None:
    """Record the attempt at a batch that was taken in this transaction; None if nobody in it is to be mailed.

    People who may not be mailed any more since the freeze are excluded here, at the last moment.
    """
    span = Span(batch.campaign_id, batch.first_id, batch.last_id)
    own = {"batch": batch.id, "campaign": batch.campaign_id, "sender": batch.sender_id}
    if batch.kind == CONTACTS:
        people: Sequence[PersonToMail] = contacts_to_mail(connection, span, late_values)
        made = connection.execute(_RECORD, {**own, "people": len(people)}).one() if people else None
    else:
        own |= {"list": batch.list_id, "first": batch.first_id, "last": batch.last_id}
        made = connection.execute(_READ_AND_RECORD, own).one()
        found = [PersonToMail(*row) for row in orjson.loads(made.people or "[]")]
        why = {person.id: person.excluded for person in found if person.excluded}
        exclude(connection, span, why, before=made.id)
        people = [person for person in found if not person.excluded] if why else found
    if made is None or not people:
        outcomes.set_batch_state(connection, batch.id, "done")
        finish_if_done(connection, batch.campaign_id)
        return None
    return Claim(made.id, made.started_at, batch.id, span.campaign_id, batch.provider, batch.compiled_id, people)


def retry_later(connection: Connection, batch_id: int) -> None:
    """Let a batch that still waits be claimed in a minute, and not now."""
    waiting = update(Batch).where(Batch.id == batch_id, Batch.state == "waiting")
    connection.execute(waiting.values(not_before=func.now() + timedelta(minutes=1)))


def cut(connection: Connection, claim: Claim, most: int) -> tuple[Claim, int | None]:
    """Cut a claim, in its transaction, to its first `most` people; returns it with the id of the rest's new batch."""
    if len(claim.people) <= most:
        return claim, None
    first_left = claim.people[most].id
    batch = Batch.__table__.c
    rest = select(batch.campaign_id, batch.compiled_id, literal(first_left), batch.last_id, batch.tries)
    rest_id = connection.execute(
        insert(Batch)
        .from_select(
            ["campaign_id", "compiled_id", "first_id", "last_id", "tries"], rest.where(batch.id == claim.batch_id)
        )
        .returning(Batch.id)
    ).scalar_one()
    connection.execute(update(Batch).where(Batch.id == claim.batch_id).values(last_id=first_left - 1))
    connection.execute(update(Attempt).where(Attempt.id == claim.attempt_id).values(people=most))
    return replace(claim, people=claim.people[:most]), rest_id
