"""Launch a draft as a person saw it: what has moved since stops it, and it starts once, however often it is asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from daisychain.errors import StateError
from daisychain.settings import Settings
from sender.campaigns.approvals import content_of, count_people, differences, need_approval
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.drafts import require_same_words
from sender.campaigns.due_campaigns import defer_start
from sender.campaigns.steering import decide
from sender.delivery import confirmed_places
from sender.delivery.campaign_states import turn
from sender.delivery.readiness import require_ready
from sender.launching.schedule import schedule
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
    connection: Connection, settings: Settings, campaign_id: int, *, seen: Mapping[str, str], people: int,
    approvers: Collection[int], who: str,
) -> Launched:  # fmt: skip
    """Send or schedule a draft by its plan, if it is as it was `seen`, for as many people within 2 %.

    In the caller's transaction; a worker freezes it. A second call changes nothing. Raises MovedError; StateError if
    nobody is left, the newsletter has changed, or an approval is missing; InputError if it can't be compiled any more.
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
        require_same_words(connection, campaign)
    except StateError as error:
        raise StateError(error.message, hint="Check it again, which makes a new draft.") from None
    if missing := need_approval(connection, settings, campaign, approvers, now):
        raise StateError(missing)
    if campaign.starts_at:
        schedule(connection, settings, campaign_id, who=who, approvers=approvers)
    else:
        confirmed_places.require_confirmed(connection, settings)
        require_ready(connection, settings, campaign.provider)
        turn(connection, campaign_id, "scheduled", from_states=["draft"])
        decide(connection, campaign_id, "send", who=who)
        defer_start(connection)
    return Launched(find_campaign(connection, campaign_id), already=False)
