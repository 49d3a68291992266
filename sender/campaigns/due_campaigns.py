"""Starts campaigns whose time has come: scheduled ones, and those that were sent at the desk, which have no time.

A worker does it, as the freeze of a million people takes seconds. The sweep looks every few seconds; a job does so at
once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from procrastinate import JobContext
from sqlalchemy import Connection, func, or_, select

from daisychain.clock import recorded
from daisychain.database import database_now
from daisychain.jobs import BEFORE_BATCHES, app, defer
from daisychain.settings import Settings
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.drafts import require_lasting_copy, require_unchanged
from sender.campaigns.steering import begin
from sender.delivery import confirmed_places
from sender.delivery.campaign_states import by_itself, pause
from sender.delivery.readiness import lacking
from sender.tables import Campaign, Decision

# A campaign that starts later than this, because no worker ran, is paused for a person to decide.
OVERDUE = timedelta(hours=1)
# When a scheduled campaign should begin; without a time of its own, when somebody sent it.
_DECIDED = select(func.max(Decision.at)).where(Decision.campaign_id == Campaign.id).correlate(Campaign)
DUE_AT = func.coalesce(Campaign.starts_at, _DECIDED.scalar_subquery(), Campaign.created_at)


@app.task(name="sender.start_due_campaigns", pass_context=True, queue="starts", priority=BEFORE_BATCHES)
def start_due(context: JobContext) -> None:
    """Start the campaigns whose time has come, without waiting for the next sweep."""
    database = context.additional_context["database"]
    with database.engine.begin() as connection:
        if confirmed_places.is_confirmed(connection, database.settings):
            start_due_campaigns(connection, database.settings)


def defer_start(connection: Connection) -> None:
    """Have a worker start due campaigns at once, in the caller's transaction."""
    defer(connection, start_due, [{}], queue=start_due.queue)


def start_due_campaigns(connection: Connection, settings: Settings, now: datetime | None = None) -> None:
    """Start each campaign whose time has come; pause it if it is more than an hour overdue."""
    now = now or database_now(connection)
    due = connection.execute(
        select(Campaign.id, DUE_AT.label("at"))
        .where(Campaign.state == "scheduled", or_(Campaign.starts_at.is_(None), Campaign.starts_at <= now))
        .order_by(Campaign.id)
        .with_for_update(of=Campaign, skip_locked=True)
    ).all()
    lacks = lacking(connection, settings) if due else {}
    for campaign_id, at in due:
        campaign = find_campaign(connection, campaign_id)
        if now - max(at, campaign.resumed_at or at) > OVERDUE:
            pause(connection, campaign_id, overdue(at))
            continue
        if campaign.provider in lacks:
            continue  # another process freezes it: the mails' links come from its settings
        with by_itself(connection, campaign_id, "its time came, but"):
            require_lasting_copy(connection, campaign, now)
            if campaign.starts_at is None:
                require_unchanged(connection, campaign)  # the desk leaves this walk over everybody to the worker
            begin(connection, settings, campaign)


def overdue(starts_at: datetime) -> str:
    """Return why a campaign is paused that should have begun long ago."""
    return f"overdue: it should have begun at {recorded(starts_at)}"
