"""Launch a draft as a person saw it: what has moved since stops it, and it starts once, however often it is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from daisychain.errors import StateError
from daisychain.settings import Settings
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.drafts import require_unchanged
from sender.campaigns.plans import Plan, set_plan
from sender.campaigns.steering import begin, decide
from sender.launching.approvals import content_of, count_people, differences, need_approval
from sender.tables import Campaign


@dataclass(frozen=True)
class Launched:
    """A campaign that was started or scheduled now, or was before (`already`)."""

    campaign: CampaignRecord
    already: bool


class MovedError(StateError):
    """A campaign is not as the person saw it who wants to send it; `changes` says what is different."""

    def __init__(self, changes: list[str]) -> None:
        super().__init__("This has changed since you looked at it.", hint="Look again, then send it.")
        self.changes = changes


def find_draft(connection: Connection, document: str) -> CampaignRecord | None:
    """Return the newest draft of a newsletter, by its origin; None if it has none."""
    mine = (Campaign.document == document, Campaign.state == "draft", Campaign.kind == "campaign")
    found = connection.scalar(select(Campaign.id).where(*mine).order_by(Campaign.id.desc()).limit(1))
    return find_campaign(connection, found) if found else None


def launch(
    connection: Connection, settings: Settings, campaign_id: int, plan: Plan, *, seen: Mapping[str, str], people: int,
    approvers: Collection[int], who: str,
) -> Launched:  # fmt: skip
    """Start or schedule a draft in the caller's transaction, if it is as it was `seen`, for as many people within 2 %.

    A second call changes nothing. Raises MovedError; StateError if nobody is left, if the newsletter has changed, or
    if an approval is missing; InputError for new errors of the checks.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign.state != "draft":
        return Launched(campaign, already=True)
    now = count_people(connection, campaign)
    if not now:
        raise StateError("Nobody is left to send this to.", hint="Choose another list.")
    if changes := differences(seen, content_of(connection, campaign), people, now):
        raise MovedError(changes)
    try:
        require_unchanged(connection, campaign)
    except StateError as error:
        raise StateError(error.message, hint="Check it again, which makes a new draft.") from None
    if missing := need_approval(connection, settings, campaign, approvers):
        raise StateError(missing)
    if not set_plan(connection, settings, campaign, plan, who=who):
        begin(connection, settings, find_campaign(connection, campaign_id))
        decide(connection, campaign_id, "send", who=who)
    return Launched(find_campaign(connection, campaign_id), already=False)
