"""What a person may do with a campaign under way, from any process: pause, resume, cancel, retry. Who did, is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, literal, select, update

from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from sender.campaigns.freeze import freeze
from sender.campaigns.status import find_campaign, public_face
from sender.delivery import batch_jobs, confirmed_places
from sender.delivery.campaign_states import close_cancelled, finish_if_done, turn
from sender.delivery.ledger import Span, move
from sender.providers.registry import open_provider
from sender.tables import Batch, Campaign, Decision, Delivery, Retried


def begin(connection: Connection, settings: Settings, campaign: RowMapping) -> int:
    """Freeze a campaign's audience and let it go, in the caller's transaction; returns how many were written down."""
    confirmed_places.require_confirmed(connection, settings)
    face = public_face(settings, campaign["list"])
    connection.execute(update(Campaign).where(Campaign.id == campaign["id"]).values(face))
    return freeze(connection, campaign["id"], batch_size=open_provider(campaign["provider"], settings).batch_size)


def pause(connection: Connection, campaign_id: int, *, who: str, because: str = "") -> None:
    """Stop a campaign at its next claim; what is in flight comes to its end. Raises StateError."""
    campaign = find_campaign(connection, campaign_id, lock=True)
    reason = f"paused by {who}" + (f": {because}" if because else "")
    if not turn(connection, campaign_id, "paused", from_states=["sending", "scheduled"], pause_reason=reason):
        raise _unfit(campaign, "paused")
    decide(connection, campaign_id, "pause", who=who, because=because)


def resume(connection: Connection, settings: Settings, campaign_id: int, *, who: str, because: str = "") -> None:
    """Let a paused campaign go on, in the caller's transaction; raises StateError unless it is paused.

    One that was never frozen is frozen now, or goes back to waiting for its time. What was told before (bounces,
    complaints) does not pause it again, and neither does a canary that was judged; one that was not will be.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign["state"] != "paused":
        raise _unfit(campaign, "resumed")
    confirmed_places.require_confirmed(connection, settings)
    now = datetime.now(UTC)
    if campaign["frozen_at"] is None and campaign["starts_at"] and campaign["starts_at"] > now:
        turn(connection, campaign_id, "scheduled", from_states=["paused"], pause_reason="")
    elif campaign["frozen_at"] is None:
        begin(connection, settings, campaign)
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(resumed_at=func.now()))
    else:
        turn(connection, campaign_id, "sending", from_states=["paused"], pause_reason="", resumed_at=func.now())
        batch_jobs.defer_waiting(connection, campaign_id)
        finish_if_done(connection, campaign_id)
    decide(connection, campaign_id, "resume", who=who, because=because)


def cancel(connection: Connection, campaign_id: int, *, who: str, because: str = "") -> int:
    """Stop a campaign for good: who waits is excluded as `cancelled`, what is in flight comes to its end.

    Returns how many people were excluded. Raises StateError for one that is finished or cancelled.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    if not turn(
        connection, campaign_id, "cancelled", from_states=["draft", "scheduled", "sending", "paused"],
        pause_reason="", finished_at=func.now(),
    ):  # fmt: skip
        raise _unfit(campaign, "cancelled")
    people = close_cancelled(connection, campaign_id)
    decide(connection, campaign_id, "cancel", who=who, because=because, people=people)
    return people


def retry(connection: Connection, campaign_id: int, *, who: str, because: str) -> int:
    """Let the failed people of a campaign, and nobody else, wait again; returns how many.

    Only people of batches that are done: in one that is under way or uncertain they would be taken for people of its
    attempt. Raises InputError without a reason, StateError where nobody can be retried.
    """
    if not because.strip():
        raise InputError("To try people again needs a reason.", hint='Add --because "…".')
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign["state"] not in ("sending", "paused", "finished"):
        raise _unfit(campaign, "retried")
    decision_id = decide(connection, campaign_id, "retry", who=who, because=because)
    batches = connection.execute(
        select(Batch.id, Batch.first_id, Batch.last_id)
        .where(Batch.campaign_id == campaign_id, Batch.state == "done", _somebody_failed())
        .order_by(Batch.id)
        .with_for_update()
    ).all()
    people = sum(_wait_again(connection, campaign_id, decision_id, batch) for batch in batches)
    if not people:
        raise StateError(
            f"Nobody in campaign {campaign_id} can be tried again.",
            hint="Only failed people are, and only once their batch is neither under way nor uncertain.",
        )
    connection.execute(update(Decision).where(Decision.id == decision_id).values(people=people))
    turn(connection, campaign_id, "sending", from_states=["finished"], finished_at=None)
    batch_jobs.defer_waiting(connection, campaign_id)
    return people


def _somebody_failed() -> Any:
    within = Delivery.id.between(Batch.first_id, Batch.last_id)
    return (
        select(Delivery.id)
        .where(Delivery.campaign_id == Batch.campaign_id, within, Delivery.state == "failed")
        .correlate(Batch)
        .exists()
    )


def _wait_again(connection: Connection, campaign_id: int, decision_id: int, batch: Any) -> int:
    span = Span(campaign_id, batch.first_id, batch.last_id)
    connection.execute(
        insert(Retried).from_select(
            ["decision_id", "delivery_id", "reason"],
            select(literal(decision_id), Delivery.id, func.coalesce(Delivery.reason, "")).where(
                span.where(), Delivery.state == "failed"
            ),
        )
    )
    # Without its attempt: evidence about that one must not count for people whom it refused.
    connection.execute(
        update(Batch)
        .where(Batch.id == batch.id)
        .values(state="waiting", attempt_id=None, not_before=func.now(), tries=0)
    )
    return move(connection, span, "failed", "waiting")


def decide(connection: Connection, campaign_id: int, what: str, *, who: str, because: str = "", people: int = 0) -> int:
    """Keep what a person decided about a campaign, in the caller's transaction; returns the decision's id."""
    row = {"campaign_id": campaign_id, "what": what, "who": who, "because": because, "people": people}
    return connection.execute(insert(Decision).values(row).returning(Decision.id)).scalar_one()


def _unfit(campaign: RowMapping, what: str) -> StateError:
    return StateError(f"Campaign {campaign['id']} is {campaign['state']} and can't be {what}.")
