"""Record the outcome of an attempt at a batch, which is conditional on the attempt, and settle it by what proves it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from sender.delivery import outcomes
from sender.delivery.campaign_states import LATE_ANSWER, finish_if_done, people_wait_again
from sender.delivery.ledger import Span, move
from sender.event import PROOFS
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Event


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
