"""Rename, unschedule or delete a campaign that has mailed nobody yet."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from daisychain.errors import InputError, StateError
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.drafts import reopened
from sender.campaigns.plans import is_planned
from sender.campaigns.steering import decide
from sender.delivery.campaign_states import turn
from sender.tables import Approval, Campaign, CampaignEmail, Decision, Override


def rename(connection: Connection, campaign_id: int, name: str) -> None:
    """Rename a campaign; raises InputError for an empty name or another campaign's, StateError once it is frozen."""
    campaign, name = find_campaign(connection, campaign_id, lock=True), " ".join(name.split())
    if campaign.state != "draft" and not is_planned(campaign):
        raise _unfit(campaign, "renamed")
    if not name:
        raise InputError("A campaign needs a name.")
    alike = func.lower(Campaign.name) == name.lower()
    taken = select(Campaign.id).where(alike, Campaign.id != campaign.id, Campaign.kind == "campaign")
    if other := connection.scalar(taken.limit(1)):
        raise InputError(f"Campaign {other} is already named {name!r}.", hint="Choose another name.")
    connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(name=name))


def unschedule(connection: Connection, campaign_id: int, *, who: str) -> None:
    """Make a scheduled campaign a draft again, with the rest of its plan; raises StateError."""
    campaign = find_campaign(connection, campaign_id, lock=True)
    if not is_planned(campaign):
        raise _unfit(campaign, "unscheduled")
    turn(connection, campaign_id, "draft", from_states=["scheduled", "paused"], starts_at=None, pause_reason="")
    decide(connection, campaign_id, "unschedule", who=who)


def delete_draft(connection: Connection, campaign_id: int) -> None:
    """Delete a draft with everything that only it has; its number is not used again. Raises StateError."""
    require_draft(find_campaign(connection, campaign_id, lock=True))
    for table in (CampaignEmail, Override, Decision, Approval):
        connection.execute(delete(table).where(table.campaign_id == campaign_id))
    connection.execute(delete(Campaign).where(Campaign.id == campaign_id))


def require_draft(campaign: CampaignRecord) -> None:
    """Raise StateError unless a campaign is a draft, which may be deleted."""
    if campaign.state != "draft":
        hint = "Drafts can. To make it one" if campaign.state == "scheduled" else ""
        raise _unfit(campaign, "deleted", hint=hint and f"{hint}: daisychain campaign unschedule {campaign.id}")


def is_in_its_file(connection: Connection, campaign: CampaignRecord) -> bool:
    """Whether a campaign's text is still in the document that it was made from."""
    written = reopened(connection, campaign)
    try:
        return written is not None and next(written.documents()).source.splitlines() == campaign.source.splitlines()
    except InputError:
        return False


def _unfit(campaign: CampaignRecord, what: str, hint: str = "") -> StateError:
    state = "a test send" if campaign.is_test else campaign.state
    return StateError(f"Campaign {campaign.id} is {state} and can't be {what}.", hint=hint)
