"""Plans of a draft: kept, and scheduled by it; the worker starts the campaign when its time comes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, update

from daisychain.clock import recorded, shown_with_day
from daisychain.database import database_now
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from sender.campaigns.approvals import require_approved
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.drafts import require_lasting_copy
from sender.campaigns.plans import NO_PLAN, Plan, is_planned
from sender.campaigns.steering import decide
from sender.delivery import confirmed_places
from sender.delivery.campaign_states import turn
from sender.tables import Campaign


def keep_plan(connection: Connection, campaign: CampaignRecord, plan: Plan, *, afresh: bool = False) -> CampaignRecord:
    """Store a plan with a campaign that is not frozen, `afresh` in place of what it had; returns it as it is then.

    Raises InputError, and StateError for a campaign under way, or one that is not as the caller saw it.
    """
    if not plan and not afresh:
        return campaign
    # Locked, so that a worker either starts it before we look, or finds the new time.
    found = find_campaign(connection, campaign.id, lock=True)
    if (found.state, found.starts_at) != (campaign.state, campaign.starts_at):
        raise StateError(
            f"Campaign {found.id} changed meanwhile: it is {found.state} now.",
            hint=f"See daisychain campaign status {found.id}",
        )
    require_unplanned(found, plan)
    columns = (NO_PLAN if afresh else {}) | plan.columns(database_now(connection))
    connection.execute(update(Campaign).where(Campaign.id == found.id).values(columns))
    return find_campaign(connection, found.id)


def schedule(
    connection: Connection, settings: Settings, campaign_id: int, *, who: str, approvers: Collection[int] | None = None
) -> None:
    """Schedule a campaign for the time of its plan, or move it there, in the caller's transaction.

    Raises StateError if no mail may be sent from here, an approval is missing, or its copy expires before; InputError
    for a time that is past. Scheduling confirms the place: a copy of the database that is restored elsewhere does not
    send it as well.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    assert campaign.starts_at is not None
    if campaign.starts_at <= database_now(connection):
        raise InputError(f"{shown_with_day(campaign.starts_at)} is past.", hint="Give a time to come.")
    confirmed_places.require_confirmed(connection, settings)
    require_approved(connection, settings, campaign, approvers)
    require_lasting_copy(connection, campaign, campaign.starts_at)
    turn(connection, campaign_id, "scheduled", from_states=["draft", "paused"], pause_reason="")
    decide(connection, campaign_id, "schedule", who=who, because=f"for {recorded(campaign.starts_at)}")


def require_unplanned(campaign: CampaignRecord, plan: Plan) -> None:
    """Raise StateError if a campaign is in no state for this plan."""
    if plan and not (campaign.state == "draft" or (plan.at and is_planned(campaign))):
        raise StateError(
            f"Campaign {campaign.id} is {campaign.state} already.",
            hint="A plan can only be set while it is a draft, or with a new --at while it is scheduled.",
        )
