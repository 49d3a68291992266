"""Pause, resume, cancel and retry a campaign from any process; each decision is kept with who made it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, func, insert, literal, select, update

from daisychain.database import database_now
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.list_people import ListPeople
from sender.campaigns.approvals import require_approved
from sender.campaigns.campaign_record import CampaignRecord, find_campaign, public_face
from sender.campaigns.follow_ups import audience_of
from sender.campaigns.freeze import freeze
from sender.campaigns.overrides import overrides_of
from sender.delivery import batch_jobs, confirmed_places
from sender.delivery.campaign_states import close_cancelled, finish_if_done, turn
from sender.delivery.ledger import Span, move, read_ledger
from sender.delivery.readiness import keep_key, require_ready
from sender.providers.open_provider import open_provider
from sender.tables import Batch, Campaign, Decision, Delivery, Retried, State


def begin(connection: Connection, settings: Settings, campaign: CampaignRecord) -> int:
    """Freeze a campaign's audience and start it, in the caller's transaction; returns how many people were frozen.

    This is the one way to a freeze, so it asks for approval and everybody's basis again: people may have joined since.
    """
    confirmed_places.require_confirmed(connection, settings)
    require_approved(connection, settings, campaign)
    _require_basis(connection, campaign)
    keep_key(connection, settings)
    require_ready(connection, settings, campaign.provider)
    face = public_face(settings, campaign.list_name)
    connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(face))
    provider = open_provider(campaign.provider, settings)
    return freeze(connection, campaign.id, batch_size=provider.batch_size, by_conditions=provider.by_conditions)


def _require_basis(connection: Connection, campaign: CampaignRecord) -> None:
    """Raise StateError if the basis of people can't hold, and nobody has accepted that for this campaign."""
    if campaign.list_name is None:
        return
    from newsletters.checks.law import PROBLEMS  # with all checks: a tenth of a second

    accepted = {each.code for each in overrides_of(connection, campaign.id)}
    people = ListPeople(connection, campaign.list_name, audience_of(connection, campaign))
    for why, number in people.basis_problems().items():
        code, what = PROBLEMS[why]
        if code.name not in accepted:
            raise StateError(
                f"For {number:,} people, {what}.",
                hint=f"See `daisychain list audit {campaign.list_name}`. To send it to them nevertheless, make the\n"
                f"  campaign again with --override {code.name}=REASON; the reason is kept.",
            )


def pause(connection: Connection, campaign_id: int, *, who: str, because: str = "") -> None:
    """Stop a campaign at its next claim; requests in flight are finished. Raises StateError."""
    campaign = find_campaign(connection, campaign_id, lock=True)
    reason = f"paused by {who}" + (f": {because}" if because else "")
    if not turn(connection, campaign_id, "paused", from_states=["sending", "scheduled"], pause_reason=reason):
        raise _unfit(campaign, "paused")
    decide(connection, campaign_id, "pause", who=who, because=because)


def resume(
    connection: Connection, settings: Settings, campaign_id: int, *, who: str, because: str = "", later: bool = False
) -> None:
    """Resume a paused campaign, in the caller's transaction; raises StateError unless it is paused.

    One that was never frozen is frozen now, or by a worker (`later`), or waits for its time again. Bounces and
    complaints reported before do not pause it again, nor does a canary that was judged already.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign.state != "paused":
        raise _unfit(campaign, "resumed")
    confirmed_places.require_confirmed(connection, settings)
    now = database_now(connection)
    if campaign.frozen_at is None and campaign.starts_at and campaign.starts_at > now:
        turn(connection, campaign_id, "scheduled", from_states=["paused"], pause_reason="")
    elif campaign.frozen_at is None and later:
        require_approved(connection, settings, campaign)
        turn(connection, campaign_id, "scheduled", from_states=["paused"], pause_reason="", resumed_at=func.now())
    elif campaign.frozen_at is None:
        begin(connection, settings, campaign)
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(resumed_at=func.now()))
    else:
        turn(connection, campaign_id, "sending", from_states=["paused"], pause_reason="", resumed_at=func.now())
        batch_jobs.wake(connection, campaign_id)
        finish_if_done(connection, campaign_id)
    decide(connection, campaign_id, "resume", who=who, because=because)


def cancel(connection: Connection, campaign_id: int, *, who: str, because: str = "") -> int:
    """Cancel a campaign: people who wait are excluded as `cancelled`, requests in flight are finished.

    Returns how many people will not be mailed. Raises StateError if it is finished or cancelled.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    on_list = 0 if campaign.frozen_at else count_not_mailed(connection, campaign)
    if not turn(
        connection, campaign_id, "cancelled", from_states=["draft", "scheduled", "sending", "paused"],
        pause_reason="", finished_at=func.now(),
    ):  # fmt: skip
        raise _unfit(campaign, "cancelled")
    people = close_cancelled(connection, campaign_id)
    decide(connection, campaign_id, "cancel", who=who, because=because, people=people)
    return people + on_list


def count_not_mailed(connection: Connection, campaign: CampaignRecord) -> int:
    """Count the people who would not get the mail of a cancelled campaign: on the list now, or frozen and waiting.

    That is nobody, if it follows up a campaign that no longer exists.
    """
    if campaign.frozen_at is not None:
        ledger = read_ledger(connection, campaign.id)
        return ledger.waiting - ledger.in_flight
    try:
        on_list = audience_of(connection, campaign).mailable(func.count())
    except StateError:
        return 0
    return int(connection.scalar(on_list) or 0)


def retry(connection: Connection, campaign_id: int, *, who: str, because: str) -> int:
    """Retry the failed people of a campaign; returns how many.

    Only people of batches that are done: in a batch under way or uncertain they would count as people of its attempt.
    Raises InputError without a reason, StateError if nobody can be retried.
    """
    if not because.strip():
        raise InputError("A retry needs a reason.", hint='Add --because "…".')
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign.state not in ("sending", "paused", "finished"):
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
            f"Nobody in campaign {campaign_id} can be retried.",
            hint="Only failed people can, once their batch is neither in flight nor uncertain.",
        )
    connection.execute(update(Decision).where(Decision.id == decision_id).values(people=people))
    turn(connection, campaign_id, "sending", from_states=["finished"], finished_at=None)
    batch_jobs.wake(connection, campaign_id)
    return people


def _somebody_failed() -> ColumnElement[bool]:
    within = Delivery.id.between(Batch.first_id, Batch.last_id)
    return (
        select(Delivery.id)
        .where(Delivery.campaign_id == Batch.campaign_id, within, Delivery.state == "failed")
        .correlate(Batch)
        .exists()
    )


def _wait_again(connection: Connection, campaign_id: int, decision_id: int, batch: Row[int, int, int]) -> int:
    span = Span(campaign_id, batch.first_id, batch.last_id)
    remember_outcomes(connection, decision_id, span, "failed")
    # Without its attempt: evidence about that one must not count for the people that it refused.
    connection.execute(
        update(Batch)
        .where(Batch.id == batch.id)
        .values(state="waiting", attempt_id=None, not_before=func.now(), tries=0)
    )
    return move(connection, span, "failed", "waiting")


def remember_outcomes(connection: Connection, decision_id: int, span: Span, state: State) -> None:
    """Store what happened to the people of a span in `state`, before a decision makes them wait."""
    people = select(literal(decision_id), Delivery.id, func.coalesce(Delivery.reason, ""), Delivery.attempt_id)
    columns = ["decision_id", "delivery_id", "reason", "attempt_id"]
    connection.execute(insert(Retried).from_select(columns, people.where(span.where(), Delivery.state == state)))


def decide(connection: Connection, campaign_id: int, what: str, *, who: str, because: str = "", people: int = 0) -> int:
    """Store what a person decided about a campaign, in the caller's transaction; returns the decision's id."""
    row = {"campaign_id": campaign_id, "what": what, "who": who, "because": because, "people": people}
    return connection.execute(insert(Decision).values(row).returning(Decision.id)).scalar_one()


def _unfit(campaign: CampaignRecord, what: str) -> StateError:
    return StateError(f"Campaign {campaign.id} is {campaign.state} and can't be {what}.")
