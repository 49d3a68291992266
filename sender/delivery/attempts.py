"""An attempt at a batch: claim the batch, record the attempt, then record its outcome.

The claim is one conditional UPDATE; the attempt is committed before its request is sent; the outcome is conditional on
the attempt. So a crash leaves a batch in `sending` whose sender is dead. Such a batch is uncertain: it is never sent
again automatically.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from lists.audience import PAUSED, RESTRICTED
from lists.tables import Member, Membership, Suppression
from sender.delivery import outcomes
from sender.delivery.campaign_states import LATE_ANSWER, finish_if_done, people_wait_again
from sender.delivery.contact_batches import CONTACTS, ContactToMail, ReadLateValues, contacts_to_mail, no_late_values
from sender.delivery.ledger import Span, move
from sender.event import PROOFS
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Delivery, Event, Sender, without_address


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


# What came back or was cut goes before what has waited since the freeze: if the provider refuses everything, the parts
# of a refused batch show it soonest.
_FROZEN_AT = select(Campaign.frozen_at).where(Campaign.id == bindparam("campaign")).scalar_subquery()
_IN_TURN = ((Batch.not_before > _FROZEN_AT).desc(), Batch.id)
# The campaign is a parameter here: joined, it would be asked for each of thousands of batches.
_OWN = Batch.campaign_id == bindparam("campaign")
_NEXT = _claimable(_OWN, bindparam("campaign")).order_by(*_IN_TURN).limit(1)
_CLAIMABLE = _claimable(Batch.id == bindparam("batch"), Batch.campaign_id)
_CLAIM = (
    update(Batch)
    .where(Batch.id == _CLAIMABLE.scalar_subquery())
    .values(state="sending", sender_id=bindparam("sender"))
    .returning(
        Batch.campaign_id, Batch.compiled_id, Batch.first_id, Batch.last_id,
        select(Campaign.provider).where(Campaign.id == Batch.campaign_id).scalar_subquery().label("provider"),
        select(Campaign.kind).where(Campaign.id == Batch.campaign_id).scalar_subquery().label("kind"),
    )
)  # fmt: skip
# The waiting people of a span, and why to exclude those who may not be mailed any more since the freeze.
_LIST = select(Campaign.list_id).where(Campaign.id == bindparam("campaign")).scalar_subquery()
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
    .outerjoin(Membership, and_(Membership.list_id == _LIST, Membership.member_id == Member.id))
    .outerjoin(Suppression, Suppression.address_key == Member.address_key)
    .where(
        Delivery.campaign_id == bindparam("campaign"),
        Delivery.id.between(bindparam("first"), bindparam("last")),
        Delivery.state == "waiting",
    )
    .order_by(Delivery.id)
)


Person = Row[int, str, dict[str, Any], str | None, bool | None, dict[str, str] | None] | ContactToMail


@dataclass(frozen=True)
class Claim:
    """A batch claimed by this sender, with the attempt that is already recorded."""

    attempt_id: int
    started_at: datetime
    batch_id: int
    campaign_id: int
    provider: str
    compiled_id: int
    people: Sequence[Person]  # (delivery id, address, merge inputs, None, per_person, dimensions)


def claim(
    connection: Connection, batch_id: int, sender_id: int, late_values: ReadLateValues = no_late_values
) -> Claim | None:
    """Claim a batch and record its attempt, in the caller's transaction; None if it can't be claimed.

    People who may not be mailed any more since the freeze are excluded here, at the last moment.
    """
    batch = connection.execute(_CLAIM, {"batch": batch_id, "sender": sender_id}).one_or_none()
    if batch is None:
        return None
    span = Span(batch.campaign_id, batch.first_id, batch.last_id)
    to_contacts = batch.kind == CONTACTS
    people = contacts_to_mail(connection, span, late_values) if to_contacts else _people(connection, span)
    if not people:
        outcomes.set_batch_state(connection, batch_id, "done")
        finish_if_done(connection, batch.campaign_id)
        return None
    attempt = (
        insert(Attempt)
        .values(batch_id=batch_id, campaign_id=span.campaign_id, sender_id=sender_id, people=len(people))
        .returning(Attempt.id)
        .cte("attempt")
    )
    named = update(Batch).where(Batch.id == batch_id).values(attempt_id=select(attempt.c.id).scalar_subquery())
    # The transaction's time is also the default of `attempts.started_at`.
    made = connection.execute(named.returning(Batch.attempt_id, func.now().label("started_at"))).one()
    assert made.attempt_id is not None
    return Claim(
        made.attempt_id, made.started_at, batch_id, span.campaign_id, batch.provider, batch.compiled_id, people
    )


def next_batch(connection: Connection, campaign_id: int, sender_id: int) -> int | None:
    """Lock the batch of a campaign whose turn it is, in the caller's transaction; None if none can be claimed."""
    return connection.scalar(_NEXT, {"campaign": campaign_id, "sender": sender_id})


def retry_later(connection: Connection, batch_id: int | None) -> None:
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


def _people(connection: Connection, span: Span) -> Sequence[Person]:
    """Return the people of a span to mail, and exclude people who may not be mailed any more."""
    found = connection.execute(
        _WAITING, {"campaign": span.campaign_id, "first": span.first_id, "last": span.last_id}
    ).all()
    if not any(row.excluded for row in found):
        return found
    # They were in every attempt of their batches so far, and in none from now on.
    newest = replace(span, attempt_id=connection.scalar(select(func.max(Attempt.id))))
    for reason in sorted({row.excluded for row in found if row.excluded}):
        these = [row.id for row in found if row.excluded == reason]
        move(connection, newest, "waiting", "excluded", reason=reason, only=these)
    return [row for row in found if not row.excluded]


def record(connection: Connection, attempt_id: int, outcome: Outcome) -> datetime | None:
    """Record an attempt's outcome in the caller's transaction; returns when to retry the batch, if at all.

    If the sweep has made the batch uncertain meanwhile, this late answer settles it. If somebody sent it again before
    that, the answer is recorded only in the attempt, where it shows as a double.
    """
    attempt = connection.execute(
        select(Attempt.id, Attempt.batch_id, Attempt.outcome).where(Attempt.id == attempt_id).with_for_update()
    ).one()
    # A `waiting` batch still belongs to this attempt if somebody decided to send it again and that has not happened.
    open_states = ["sending", "uncertain", *(["waiting"] if attempt.outcome == Verdict.UNCERTAIN.value else [])]
    batch = connection.execute(
        select(
            Batch.id, Batch.campaign_id, Batch.compiled_id, Batch.first_id, Batch.last_id, Batch.state, Batch.tries,
            Batch.attempt_id,
        )
        .where(Batch.id == attempt.batch_id, Batch.attempt_id == attempt_id, Batch.state.in_(open_states))
        .with_for_update()
    ).one_or_none()  # fmt: skip
    late = attempt.outcome is not None
    if late and outcome.verdict is Verdict.UNCERTAIN:
        return None
    connection.execute(
        update(Attempt)
        .where(Attempt.id == attempt_id)
        .values(
            outcome=outcome.verdict.value, status=outcome.status, detail=outcome.detail, message_id=outcome.message_id,
            ended_at=func.now(), **({"settled_by": LATE_ANSWER, "settled_at": func.now()} if late else {}),
        )
    )  # fmt: skip
    if batch is None:
        return None
    again = outcomes.apply_outcome(connection, batch, outcome)
    if outcome.verdict is Verdict.UNCERTAIN and _has_proof(connection, batch, attempt_id):
        settle_by_event(connection, [attempt_id])
    if outcome.waiting or outcome.verdict not in (Verdict.ACCEPTED, Verdict.UNCERTAIN):
        people_wait_again(connection, batch.campaign_id)
    finish_if_done(connection, batch.campaign_id)
    return again


def _has_proof(connection: Connection, batch: Row[*tuple[Any, ...]], attempt_id: int) -> bool:
    """Whether an event that proves this attempt arrived before the outcome; no further event may come."""
    proof = select(Event.id).where(
        Event.delivery_id.between(batch.first_id, batch.last_id), Event.attempt_id == attempt_id, Event.kind.in_(PROOFS)
    )
    return bool(connection.scalar(select(proof.exists())))


def settle_by_event(
    connection: Connection, attempt_ids: Collection[int], *, by: str = "event", because: Mapping[int, str] | None = None
) -> int:
    """Settle uncertain attempts that events prove accepted; returns how many people that settled.

    One event, or one entry of the provider's log (`by` "log"), proves its whole request; `because` has the proof of
    each attempt. If a person decided to send again and that has not happened yet, it will not happen. If it has, the
    proof is recorded only in the attempt, where it shows as a double.
    """
    # Attempts without an outcome are locked too: it is recorded after us, or before we look.
    attempts = connection.execute(
        select(Attempt.id, Attempt.batch_id, Attempt.campaign_id, Attempt.outcome)
        .where(
            Attempt.id == func.any(bindparam("ids", sorted(attempt_ids))),
            or_(Attempt.outcome == Verdict.UNCERTAIN.value, Attempt.outcome.is_(None)),
        )
        .order_by(Attempt.id)
        .with_for_update()
    ).all()
    proofs = because or {}
    uncertain = [row for row in attempts if row.outcome == Verdict.UNCERTAIN.value]
    people = sum(_settle(connection, row, by, proofs.get(row.id, "")) for row in uncertain)
    for campaign_id in sorted({row.campaign_id for row in uncertain}):
        finish_if_done(connection, campaign_id)  # last, as it locks the campaign
    return people


def _settle(connection: Connection, attempt: Row[*tuple[Any, ...]], by: str, because: str) -> int:
    batch = connection.execute(
        select(Batch.id, Batch.campaign_id, Batch.first_id, Batch.last_id, Batch.state)
        .where(Batch.id == attempt.batch_id, Batch.attempt_id == attempt.id, Batch.state.in_(["uncertain", "waiting"]))
        .with_for_update()
    ).one_or_none()
    connection.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id)
        .values(outcome=Verdict.ACCEPTED.value, settled_by=by, settled_because=because, settled_at=func.now())
    )
    if batch is None:
        return 0
    span = Span(batch.campaign_id, batch.first_id, batch.last_id, attempt.id)
    moved = move(connection, span, batch.state, "accepted")
    outcomes.count_people(connection, batch.id, accepted=moved)
    outcomes.set_batch_state(connection, batch.id, "done")
    return moved
