"""What becomes of a batch and its people once an outcome is known, as the table of failures says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from sender.delivery.campaign_states import pause
from sender.delivery.ledger import Span, move
from sender.providers.failures import CONSEQUENCES, DEFAULT_PAUSE, PEOPLE_REFUSED_IN_A_ROW, REFUSALS_IN_A_ROW
from sender.providers.provider import Outcome, Verdict
from sender.providers.retry_times import judged
from sender.tables import Attempt, Batch, Campaign, Decision, Delivery, State


def apply(connection: Connection, batch: Any, outcome: Outcome) -> datetime | None:
    """Move a batch and its people in the caller's transaction; returns when to try again, if so.

    `batch` is its locked row. In an uncertain one people are settled by a late answer.
    """
    span = Span(batch.campaign_id, batch.first_id, batch.last_id)
    state: State = "uncertain" if batch.state == "uncertain" else "waiting"
    if outcome.deferred:
        connection.execute(update(Batch).where(Batch.id == batch.id).values(tries=Batch.tries + 1))
        outcome = judged(outcome, batch.tries)
    _refuse(connection, batch.id, span, state, outcome.refused)
    again = _follow(connection, batch, span, state, outcome)
    refuses = outcome.refused or outcome.verdict is Verdict.REFUSED_REQUEST
    if refuses and _refused_in_a_row(connection, span.campaign_id) >= PEOPLE_REFUSED_IN_A_ROW:
        words = next(iter(outcome.refused.values()), outcome.detail)
        if pause(connection, span.campaign_id, f"the provider refuses one person after the other: {words}"):
            return None
    return again


def _follow(connection: Connection, batch: Any, span: Span, state: State, outcome: Outcome) -> datetime | None:
    """What becomes of those whom the outcome does not name as refused, and of their batch."""
    then = CONSEQUENCES[outcome.verdict]
    if then.people == "accepted":
        return _taken(connection, batch, span, state, outcome)
    if then.people != state:
        words = outcome.detail if then.people == "uncertain" else None
        move(connection, span, state, then.people, reason=words)
    match then.batch:
        case "halves":
            return _halve(connection, batch, span, outcome)
        case "apart":
            again = put_back(connection, batch.id, datetime.now(UTC))
            _set_apart(connection, batch.id, span, outcome.apart, "waiting")
            return again
        case "again":
            if outcome.refused and not _waiting(connection, span):
                set_batch(connection, batch.id, "done")
                return None
            again = put_back(connection, batch.id, outcome.retry_at or datetime.now(UTC) + then.after)
            if then.pauses:
                pause(connection, span.campaign_id, f"the provider refuses the account: {outcome.detail}")
            return None if then.pauses else again
    set_batch(connection, batch.id, then.batch)
    return None


def _taken(connection: Connection, batch: Any, span: Span, state: State, outcome: Outcome) -> datetime | None:
    """Taken, save for those whom the outcome names: they failed already, wait, or are uncertain."""
    taken = move(connection, span, state, "accepted", besides=[*outcome.waiting, *outcome.uncertain])
    count_people(connection, batch.id, accepted=taken)
    if state == "uncertain":
        move(connection, span, "uncertain", "waiting", only=outcome.waiting)
    else:
        move(connection, span, "waiting", "uncertain", only=outcome.uncertain, reason=outcome.detail)
    if not outcome.waiting:
        set_batch(connection, batch.id, "uncertain" if outcome.uncertain else "done")
        return None
    again = put_back(connection, batch.id, outcome.retry_at or datetime.now(UTC) + DEFAULT_PAUSE)
    if outcome.uncertain:
        _set_apart(connection, batch.id, span, outcome.uncertain, "uncertain")
    return again


def _halve(connection: Connection, batch: Any, span: Span, outcome: Outcome) -> datetime | None:
    """Look for whom the provider refuses by halves; one who is alone is found. Nothing of this request was taken."""
    now = datetime.now(UTC)
    if _halved_in_a_row(connection, span, batch.compiled_id) >= REFUSALS_IN_A_ROW:
        put_back(connection, batch.id, now)
        pause(connection, span.campaign_id, f"the provider refuses every request: {outcome.detail}")
        return None
    waiting = _waiting(connection, span)
    if len(waiting) == 1:
        _refuse(connection, batch.id, span, "waiting", {waiting[0]: outcome.detail})
        set_batch(connection, batch.id, "done")
        return None
    middle = waiting[len(waiting) // 2]
    connection.execute(
        insert(Batch),
        [
            {"campaign_id": span.campaign_id, "compiled_id": batch.compiled_id, "first_id": first, "last_id": last}
            for first, last in ((span.first_id, middle - 1), (middle, span.last_id))
        ],
    )
    set_batch(connection, batch.id, "split")
    return now


def _refuse(connection: Connection, batch_id: int, span: Span, state: State, refused: Mapping[int, str]) -> None:
    failed = sum(
        move(connection, span, state, "failed", reason=reason, only=[delivery_id])
        for delivery_id, reason in refused.items()
    )
    if failed:
        count_people(connection, batch_id, refused=failed)


def count_people(connection: Connection, batch_id: int, *, accepted: int = 0, refused: int = 0) -> None:
    """Note with the latest attempt at a batch how many people the ledger moved by it."""
    latest = select(Batch.attempt_id).where(Batch.id == batch_id).scalar_subquery()
    counts = {"accepted": Attempt.accepted + accepted, "refused": Attempt.refused + refused}
    connection.execute(update(Attempt).where(Attempt.id == latest).values(counts))


def _refused_in_a_row(connection: Connection, campaign_id: int) -> int:
    """How many people were refused since anybody was accepted, or since a person let the campaign go on."""
    taken = select(func.coalesce(func.max(Attempt.id), 0)).where(
        Attempt.campaign_id == campaign_id, Attempt.accepted > 0
    )
    resumed = select(func.coalesce(Campaign.resumed_at, datetime.min.replace(tzinfo=UTC))).where(
        Campaign.id == campaign_id
    )
    refused = select(func.coalesce(func.sum(Attempt.refused), 0)).where(
        Attempt.campaign_id == campaign_id,
        Attempt.id > taken.scalar_subquery(),
        Attempt.ended_at > resumed.scalar_subquery(),
    )
    return int(connection.scalar(refused) or 0)


def _waiting(connection: Connection, span: Span) -> list[int]:
    people = select(Delivery.id).where(span.where(), Delivery.state == "waiting").order_by(Delivery.id)
    return list(connection.scalars(people))


def _halved_in_a_row(connection: Connection, span: Span, compiled_id: int) -> int:
    """How many parts of the batch from which `span` was cut were halved since anybody of it was accepted.

    Or since a person let the campaign go on. Other batches may have bad people of their own, and say nothing.
    """
    alike = and_(Batch.campaign_id == span.campaign_id, Batch.compiled_id == compiled_id)
    whole = connection.execute(
        select(func.min(Batch.first_id).label("first"), func.max(Batch.last_id).label("last")).where(
            alike, Batch.first_id <= span.first_id, Batch.last_id >= span.last_id
        )
    ).one()
    tried = and_(alike, Batch.id == Attempt.batch_id, Batch.first_id >= whole.first, Batch.last_id <= whole.last)
    taken = select(func.coalesce(func.max(Attempt.id), 0)).where(tried, Attempt.accepted > 0).correlate(None)
    resumed = select(func.coalesce(func.max(Decision.at), datetime.min.replace(tzinfo=UTC))).where(
        Decision.campaign_id == span.campaign_id, Decision.what == "resume"
    )
    split = select(func.count(Attempt.id)).where(
        tried,
        Batch.state == "split",
        Attempt.outcome == Verdict.REFUSED_REQUEST.value,
        Attempt.id > taken.scalar_subquery(),
        Attempt.started_at > resumed.scalar_subquery(),
    )
    return connection.scalar(split) or 0


def _set_apart(connection: Connection, batch_id: int, span: Span, people: Collection[int], state: str) -> None:
    """Give each of some people of a batch that was put back a batch of their own, and cut the rest between them.

    The next try is not about them. Where they are uncertain, what becomes of it must not count for them.
    """
    parent = connection.execute(select(Batch.__table__).where(Batch.id == batch_id)).mappings().one()
    common = {name: parent[name] for name in ("campaign_id", "compiled_id", "not_before", "tries")}
    alone = [(delivery_id, delivery_id, state) for delivery_id in sorted(people)]
    starts = [span.first_id, *(last + 1 for _, last, _ in alone)]
    ends = [*(first - 1 for first, _, _ in alone), span.last_id]
    between = [(first, last, "waiting") for first, last in zip(starts, ends, strict=True) if first <= last]
    connection.execute(
        insert(Batch),
        [
            {
                **common, "first_id": first, "last_id": last, "state": state,
                "attempt_id": parent["attempt_id"] if state == "uncertain" else None,
            }
            for first, last, state in [*alone, *between]
        ],
    )  # fmt: skip
    set_batch(connection, batch_id, "split")


def went_out() -> ColumnElement[bool]:
    """The SQL condition for an attempt to have been more than setting people apart, for all that is known."""
    return Attempt.outcome.is_distinct_from(Verdict.APART.value)


def put_back(connection: Connection, batch_id: int, at: datetime) -> datetime:
    """Let a batch wait until then."""
    connection.execute(update(Batch).where(Batch.id == batch_id).values(state="waiting", not_before=at))
    return at


def set_batch(connection: Connection, batch_id: int, state: str) -> None:
    """Say how a batch stands."""
    connection.execute(update(Batch).where(Batch.id == batch_id).values(state=state))
