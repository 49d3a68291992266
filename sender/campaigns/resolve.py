"""Decide what happened to uncertain people; who decided, and why, is kept with each attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, Row, and_, func, select, update

from daisychain.errors import InputError, StateError
from sender.campaigns.steering import decide, remember_outcomes
from sender.delivery import batch_jobs
from sender.delivery.campaign_states import finish_if_done, lock, turn
from sender.delivery.ledger import Span, move
from sender.tables import Attempt, Batch
from sender.tables import Decision as Decided

Decision = Literal["send-again", "count-as-accepted"]


def resolve(connection: Connection, campaign_id: int, decision: Decision, *, who: str, because: str) -> int:
    """Apply a decision to all uncertain people of a campaign, in the caller's transaction; returns how many.

    `send-again` makes them wait and the campaign send: people whose mail did arrive get it twice.
    Raises InputError without a reason, StateError if nobody is uncertain.
    """
    if not because.strip():
        raise InputError("A decision about uncertain people needs its reason.", hint='Add --because "…".')
    batches = _uncertain(connection, campaign_id)
    if not batches:
        raise StateError(f"Nobody is uncertain in campaign {campaign_id}.")
    again = decision == "send-again"
    if lock(connection, campaign_id) == "cancelled" and again:
        raise StateError("A cancelled campaign mails nobody again.", hint="--count-as-accepted closes its ledger.")
    decision_id = decide(connection, campaign_id, decision, who=who, because=because)
    people = 0
    for row in batches:
        span = Span(campaign_id, row.first_id, row.last_id, row.attempt_id)
        if again:
            remember_outcomes(connection, decision_id, span, "uncertain")
        reason = None if again else f"counted as accepted by {who}"
        people += move(connection, span, "uncertain", "waiting" if again else "accepted", reason=reason)
    connection.execute(update(Decided).where(Decided.id == decision_id).values(people=people))
    connection.execute(
        update(Attempt)
        .where(Attempt.id.in_([row.attempt_id for row in batches]))
        .values(settled_by=who, settled_because=f"{decision}: {because}", settled_at=func.now())
    )
    connection.execute(
        update(Batch)
        .where(Batch.id.in_([row.id for row in batches]))
        .values(state="waiting" if again else "done", not_before=func.now())
    )
    if again:
        turn(connection, campaign_id, "sending", from_states=["finished"], finished_at=None)
        batch_jobs.wake(connection, campaign_id)
    finish_if_done(connection, campaign_id)
    return people


def _uncertain(connection: Connection, campaign_id: int) -> Sequence[Row[int, int | None, int, int]]:
    """Lock the attempts, then the uncertain batches, in the order in which evidence and late answers lock them."""
    uncertain = and_(Batch.campaign_id == campaign_id, Batch.state == "uncertain")
    attempts = connection.scalars(
        select(Attempt.id)
        .where(Attempt.id.in_(select(Batch.attempt_id).where(uncertain)))
        .order_by(Attempt.id)
        .with_for_update()
    ).all()
    return connection.execute(
        select(Batch.id, Batch.attempt_id, Batch.first_id, Batch.last_id)
        .where(uncertain, Batch.attempt_id.in_(attempts))
        .order_by(Batch.id)
        .with_for_update()
    ).all()
