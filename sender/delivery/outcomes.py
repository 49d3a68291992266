"""Applies an outcome to a batch and its people, as the table in providers/failures.py says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from daisychain.database import database_now
from lists.addresses import AddressError, parse_address
from lists.suppression import NewSuppression, suppress_all
from sender.delivery.campaign_states import pause
from sender.delivery.ledger import Span, move
from sender.providers.failures import CONSEQUENCES, PEOPLE_REFUSED_IN_A_ROW, REFUSALS_IN_A_ROW
from sender.providers.provider import Outcome, Verdict
from sender.providers.retry_times import DEFAULT_PAUSE, with_retry
from sender.severity import is_about_us, is_gone
from sender.tables import Attempt, Batch, Campaign, Decision, Delivery, State

# So many people who are refused in the same words, and nobody accepted, are not refused for themselves.
ALIKE = 3


def apply_outcome(connection: Connection, batch: Any, outcome: Outcome) -> datetime | None:
    """Apply an outcome in the caller's transaction; returns when to retry, if at all.

    `batch` is its locked row. For an uncertain batch, the outcome is a late answer that decides on its people.
    """
    span = Span(batch.campaign_id, batch.first_id, batch.last_id, batch.attempt_id)
    state: State = "uncertain" if batch.state == "uncertain" else "waiting"
    if outcome.refused and state == "waiting" and _refuses_us(connection, span, outcome):
        reason = next(iter(outcome.refused.values()))
        outcome = Outcome(Verdict.REFUSED_ACCOUNT, reason, status=outcome.status)
    if outcome.deferred:
        connection.execute(update(Batch).where(Batch.id == batch.id).values(tries=Batch.tries + 1))
        outcome = with_retry(outcome, batch.tries)
    _refuse(connection, batch.id, span, state, outcome.refused)
    if outcome.fault:
        pause(connection, span.campaign_id, outcome.fault)
    again = _follow(connection, batch, span, state, outcome)
    refuses = outcome.refused or outcome.verdict is Verdict.REFUSED_REQUEST
    if refuses and _refused_in_a_row(connection, span.campaign_id) >= PEOPLE_REFUSED_IN_A_ROW:
        reason = next(iter(outcome.refused.values()), outcome.detail)
        if pause(connection, span.campaign_id, f"the provider refuses one person after the other: {reason}"):
            return None
    return again


def _follow(connection: Connection, batch: Any, span: Span, state: State, outcome: Outcome) -> datetime | None:
    """Move the people that the outcome does not name as refused, and their batch."""
    then = CONSEQUENCES[outcome.verdict]
    if then.people == "accepted":
        return _accept(connection, batch, span, state, outcome)
    if then.people != state:
        reason = outcome.detail if then.people == "uncertain" else None
        move(connection, span, state, then.people, reason=reason)
    match then.batch:
        case "halves":
            return _halve(connection, batch, span, outcome)
        case "split":
            again = requeue(connection, batch.id)
            _split_off(connection, batch.id, span, dict.fromkeys(outcome.over_limits, "waiting"))
            return again
        case "again":
            if outcome.refused and not _waiting(connection, span):
                set_batch_state(connection, batch.id, "done")
                return None
            again = requeue(connection, batch.id, outcome.pause or then.after)
            if then.pauses:
                pause(connection, span.campaign_id, f"the provider refuses the account: {outcome.detail}")
            return None if then.pauses else again
    set_batch_state(connection, batch.id, then.batch)
    return None


def _accept(connection: Connection, batch: Any, span: Span, state: State, outcome: Outcome) -> datetime | None:
    """Accept everybody but the people in `outcome.waiting` and `outcome.uncertain`; the refused have failed already."""
    accepted = move(connection, span, state, "accepted", besides=[*outcome.waiting, *outcome.uncertain])
    count_people(connection, batch.id, accepted=accepted)
    if state == "uncertain":
        move(connection, span, "uncertain", "waiting", only=outcome.waiting)
    else:
        move(connection, span, "waiting", "uncertain", only=outcome.uncertain, reason=outcome.detail)
    if not outcome.waiting:
        set_batch_state(connection, batch.id, "uncertain" if outcome.uncertain else "done")
        return None
    again = requeue(connection, batch.id, outcome.pause or DEFAULT_PAUSE)
    if outcome.uncertain or outcome.over_limits:
        apart = dict.fromkeys(outcome.uncertain, "uncertain") | dict.fromkeys(outcome.over_limits, "waiting")
        _split_off(connection, batch.id, span, apart)
    return again


def _halve(connection: Connection, batch: Any, span: Span, outcome: Outcome) -> datetime | None:
    """Halve a refused batch to find the person who causes it; a batch of one has found them."""
    if _halved_in_a_row(connection, span, batch.compiled_id) >= REFUSALS_IN_A_ROW:
        requeue(connection, batch.id)
        pause(connection, span.campaign_id, f"the provider refuses every request: {outcome.detail}")
        return None
    waiting = _waiting(connection, span)
    if len(waiting) == 1:
        _refuse(connection, batch.id, span, "waiting", {waiting[0]: outcome.detail})
        set_batch_state(connection, batch.id, "done")
        return None
    middle = waiting[len(waiting) // 2]
    connection.execute(
        insert(Batch),
        [
            {"campaign_id": span.campaign_id, "compiled_id": batch.compiled_id, "first_id": first, "last_id": last}
            for first, last in ((span.first_id, middle - 1), (middle, span.last_id))
        ],
    )
    set_batch_state(connection, batch.id, "split")
    return database_now(connection)


def _refuse(connection: Connection, batch_id: int, span: Span, state: State, refused: Mapping[int, str]) -> None:
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for delivery_id, reason in refused.items():
        alike[reason].append(delivery_id)
    failed = sum(move(connection, span, state, "failed", reason=reason, only=ids) for reason, ids in alike.items())
    if failed:
        count_people(connection, batch_id, refused=failed)
    _suppress_gone(connection, {id_: reason for id_, reason in refused.items() if is_gone(reason)})


def _suppress_gone(connection: Connection, gone: Mapping[int, str]) -> None:
    """Suppress the addresses of which a relay said at once that they don't exist, as if that had come by mail."""
    rows = connection.execute(select(Delivery.id, Delivery.address).where(Delivery.id.in_(gone))).all() if gone else ()
    evidence = []
    for row in rows:
        with suppress(AddressError):
            evidence.append(NewSuppression(parse_address(row.address).key, "hard bounce", "smtp", gone[row.id]))
    suppress_all(connection, evidence)


def count_people(connection: Connection, batch_id: int, *, accepted: int = 0, refused: int = 0) -> None:
    """Add to the counts of a batch's latest attempt."""
    latest = select(Batch.attempt_id).where(Batch.id == batch_id).scalar_subquery()
    counts = {"accepted": Attempt.accepted + accepted, "refused": Attempt.refused + refused}
    connection.execute(update(Attempt).where(Attempt.id == latest).values(counts))


def _refused_in_a_row(connection: Connection, campaign_id: int) -> int:
    """Count the people refused since anybody was accepted, or since somebody resumed the campaign."""
    last_accepted = select(func.coalesce(func.max(Attempt.id), 0)).where(
        Attempt.campaign_id == campaign_id, Attempt.accepted > 0
    )
    resumed = select(func.coalesce(Campaign.resumed_at, datetime.min.replace(tzinfo=UTC))).where(
        Campaign.id == campaign_id
    )
    refused = select(func.coalesce(func.sum(Attempt.refused), 0)).where(
        Attempt.campaign_id == campaign_id,
        Attempt.id > last_accepted.scalar_subquery(),
        Attempt.ended_at > resumed.scalar_subquery(),
    )
    return int(connection.scalar(refused) or 0)


def _refuses_us(connection: Connection, span: Span, outcome: Outcome) -> bool:
    """Whether refusals of people mean the sender: nobody was ever accepted, and everybody gets the same answer.

    "Relay access denied" says it by itself. Once a person has resumed the campaign, each refusal counts for its person.
    """
    reasons, attempts = set(outcome.refused.values()), Attempt.campaign_id == span.campaign_id
    if outcome.uncertain or {*outcome.refused, *outcome.waiting} != {*_waiting(connection, span), *outcome.waiting}:
        return False
    accepted = select(Attempt.id).where(attempts, Attempt.accepted > 0).exists()
    fresh = select(Campaign.id).where(Campaign.id == span.campaign_id, Campaign.resumed_at.is_(None), ~accepted)
    if connection.scalar(fresh) is None:
        return False
    if all(map(is_about_us, reasons)):
        return True
    before = connection.scalar(select(func.sum(Attempt.refused)).where(attempts, Attempt.detail == outcome.detail)) or 0
    alike = len(reasons) == 1 and before + len(outcome.refused) >= ALIKE
    return alike and not any(is_gone(reason) or not re.match(r"5\d\d", reason) for reason in reasons)


def _waiting(connection: Connection, span: Span) -> list[int]:
    people = select(Delivery.id).where(span.where(), Delivery.state == "waiting").order_by(Delivery.id)
    return list(connection.scalars(people))


def _halved_in_a_row(connection: Connection, span: Span, compiled_id: int) -> int:
    """Count the parts of `span`'s original batch halved since one was accepted, or since somebody resumed the campaign.

    Other batches may contain bad people of their own, so they do not count.
    """
    alike = and_(Batch.campaign_id == span.campaign_id, Batch.compiled_id == compiled_id)
    whole = connection.execute(
        select(func.min(Batch.first_id).label("first"), func.max(Batch.last_id).label("last")).where(
            alike, Batch.first_id <= span.first_id, Batch.last_id >= span.last_id
        )
    ).one()
    tried = and_(alike, Batch.id == Attempt.batch_id, Batch.first_id >= whole.first, Batch.last_id <= whole.last)
    last_accepted = select(func.coalesce(func.max(Attempt.id), 0)).where(tried, Attempt.accepted > 0).correlate(None)
    resumed = select(func.coalesce(func.max(Decision.at), datetime.min.replace(tzinfo=UTC))).where(
        Decision.campaign_id == span.campaign_id, Decision.what == "resume"
    )
    split = select(func.count(Attempt.id)).where(
        tried,
        Batch.state == "split",
        Attempt.outcome == Verdict.REFUSED_REQUEST.value,
        Attempt.id > last_accepted.scalar_subquery(),
        Attempt.started_at > resumed.scalar_subquery(),
    )
    return connection.scalar(split) or 0


def _split_off(connection: Connection, batch_id: int, span: Span, people: Mapping[int, str]) -> None:
    """Split a waiting batch: each of `people` gets a batch in the state named there, and the rest is cut between them.

    So the next attempt does not include them; in particular it must not decide on uncertain people.
    """
    parent = connection.execute(select(Batch.__table__).where(Batch.id == batch_id)).mappings().one()
    common = {name: parent[name] for name in ("campaign_id", "compiled_id", "not_before", "tries")}
    single = [(delivery_id, delivery_id, state) for delivery_id, state in sorted(people.items())]
    starts = [span.first_id, *(last + 1 for _, last, _ in single)]
    ends = [*(first - 1 for first, _, _ in single), span.last_id]
    between = [(first, last, "waiting") for first, last in zip(starts, ends, strict=True) if first <= last]
    connection.execute(
        insert(Batch),
        [
            {
                **common, "first_id": first, "last_id": last, "state": state,
                "attempt_id": parent["attempt_id"] if state == "uncertain" else None,
            }
            for first, last, state in [*single, *between]
        ],
    )  # fmt: skip
    set_batch_state(connection, batch_id, "split")


def sent_a_request() -> ColumnElement[bool]:
    """Return the SQL condition that an attempt sent a request, or may have: it did not only split its batch."""
    return Attempt.outcome.is_distinct_from(Verdict.OVER_LIMITS.value)


def requeue(connection: Connection, batch_id: int, pause: timedelta = timedelta()) -> datetime:
    """Make a batch wait for `pause` from now on, by the database's clock; returns until when."""
    waiting = (
        update(Batch).where(Batch.id == batch_id).values(state="waiting", not_before=func.clock_timestamp() + pause)
    )
    return connection.execute(waiting.returning(Batch.not_before)).scalar_one()


def set_batch_state(connection: Connection, batch_id: int, state: str) -> None:
    """Set the state of a batch."""
    connection.execute(update(Batch).where(Batch.id == batch_id).values(state=state))
