"""Releases held batches at the pace of a campaign's plan (throttling).

The sweep calls this every few seconds, in any process that sends. A held batch is never claimed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from daisychain.database import database_now
from sender.campaigns import brakes, warm_up
from sender.campaigns.campaign_record import CampaignRecord, lock_if_sending
from sender.campaigns.due_campaigns import OVERDUE, overdue
from sender.campaigns.plans import is_open
from sender.delivery.campaign_states import pause
from sender.delivery.outcomes import sent_a_request
from sender.tables import Attempt, Batch, Campaign

MINUTE = timedelta(minutes=1)


def release_batches(connection: Connection, campaign_id: int, now: datetime | None = None) -> int:
    """Release as many held batches of a campaign as its plan allows; returns how many.

    A campaign with too many bounces or complaints is paused; outside its hours, its batches are held.
    """
    now = now or database_now(connection)
    # One process at a time: two would both count the same allowance and release it twice.
    campaign = lock_if_sending(connection, campaign_id)
    if campaign is None:
        return 0
    if reason := brakes.against_going_on(connection, campaign):
        pause(connection, campaign_id, reason)
        return 0
    if not _has_started(connection, campaign, now):
        return 0
    if not is_open(campaign, now):
        free = _waiting(campaign_id, select(Batch.id)).with_for_update(skip_locked=True)
        connection.execute(update(Batch).where(Batch.id.in_(free)).values(held=True))
        return 0
    if not connection.scalar(select(_waiting(campaign_id, select(Batch.id)).where(Batch.held).exists())):
        return 0
    if campaign.rest_from is not None and not _canary_passed(connection, campaign, now):
        return _release(connection, campaign, _allowance(connection, campaign, now), before=campaign.rest_from)
    return _release(connection, campaign, _allowance(connection, campaign, now))


def _has_started(connection: Connection, campaign: CampaignRecord, now: datetime) -> bool:
    """Whether a scheduled campaign's time has come; when it comes, record that as `resumed_at`."""
    if campaign.starts_at is None:
        return True
    if now < campaign.starts_at:
        return False
    if campaign.resumed_at is not None and campaign.resumed_at >= campaign.starts_at:
        return True
    if now - campaign.starts_at > OVERDUE:
        pause(connection, campaign.id, overdue(campaign.starts_at))
        return False
    connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(resumed_at=now))
    return True


def _canary_passed(connection: Connection, campaign: CampaignRecord, now: datetime) -> bool:
    """Whether the rest of the campaign may follow its canary, which is judged once, `canary_wait` after it was sent.

    If the canary did badly the campaign is paused; if somebody then resumes it, the rest follows.
    """
    unfinished = select(Batch.id).where(
        Batch.campaign_id == campaign.id, Batch.state.in_(["waiting", "sending"]), Batch.last_id < campaign.rest_from
    )
    if connection.scalar(select(unfinished.exists())):
        return False
    until = campaign.canary_until or now + timedelta(seconds=campaign.canary_wait)
    if campaign.canary_until is None:
        connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(canary_until=until))
    if now < until:
        return False
    reason = brakes.against_the_rest(connection, campaign)
    connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(rest_from=None))
    if reason:
        pause(connection, campaign.id, reason)
    return not reason


def _allowance(connection: Connection, campaign: CampaignRecord, now: datetime) -> int | None:
    """Return how many more people may be mailed now, by the chosen pace and the domain's warm-up; None for all."""
    limits = []
    if campaign.per_minute:
        sent = select(func.coalesce(func.sum(Attempt.people), 0)).where(
            Attempt.campaign_id == campaign.id, Attempt.started_at > now - MINUTE, sent_a_request()
        )
        released = _waiting(campaign.id, select(func.coalesce(func.sum(_size()), 0))).where(~Batch.held)
        # In this order: a batch that is claimed between the two questions counts twice, and not never.
        taken = int(connection.scalar(released) or 0)
        limits.append(campaign.per_minute - taken - int(connection.scalar(sent) or 0))
    left_today = warm_up.left(connection, campaign.from_address, now)
    if left_today is not None:
        limits.append(left_today)
    return min(limits) if limits else None


def _release(connection: Connection, campaign: CampaignRecord, allowance: int | None, before: int | None = None) -> int:
    held = (
        _waiting(campaign.id, select(Batch.id, _size().label("people")))
        .where(Batch.held)
        .order_by(Batch.first_id)
        .with_for_update(skip_locked=True)
    )
    if before is not None:
        held = held.where(Batch.first_id < before)
    if connection.scalar(select(Campaign.state).where(Campaign.id == campaign.id)) != "sending":
        return 0
    chosen: list[int] = []
    for row in connection.execute(held):
        if allowance is not None:
            allowance -= row.people
            if allowance < 0:
                break
        chosen.append(row.id)
    connection.execute(update(Batch).where(Batch.id == func.any(chosen)).values(held=False))
    return len(chosen)


def _size() -> Any:
    return Batch.last_id - Batch.first_id + 1


def _waiting(campaign_id: int, statement: Any) -> Any:
    return statement.where(Batch.campaign_id == campaign_id, Batch.state == "waiting")
