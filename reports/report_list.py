"""A line for each campaign that was sent: the main figures, with intervals and age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, tuple_

from reports.figures import main_figures
from reports.notes import notes_on
from reports.report import Figure
from reports.small_cells import notes_without_numbers, without_small_figures
from reports.tallies import Tallies, of_one_moment, tally_all
from sender.campaigns.campaign_record import find_campaigns
from sender.tables import Campaign

OF_LIST = ("delivered", "seen_reading", "clicked", "unsubscribed", "complained")


@dataclass(frozen=True)
class CampaignLine:
    """One campaign: the figures of `OF_LIST` by name, and how long ago it was sent."""

    campaign_id: int
    campaign: str
    state: str
    list_name: str
    sent_at: datetime
    age: timedelta
    as_of: datetime
    rule_set: int
    figures: dict[str, Figure]
    notes: list[str]


def campaign_lines(
    connection: Connection, last: int, *, before: int | None = None, small_cells: bool = True
) -> list[CampaignLine]:
    """Return a line for each of the last campaigns that were sent, the newest first; only those before another one.

    Without `small_cells`, figures about fewer than five people are hidden.
    """
    of_one_moment(connection)
    sent = (
        select(Campaign.id)
        .where(Campaign.kind == "campaign", Campaign.frozen_at.isnot(None), Campaign.state != "draft")
        .order_by(Campaign.frozen_at.desc(), Campaign.id.desc())
        .limit(last)
    )
    if before is not None:
        place = tuple_(Campaign.frozen_at, Campaign.id)
        that = select(Campaign.frozen_at, Campaign.id).where(Campaign.id == before)
        sent = sent.where(place < that.scalar_subquery())
    campaigns = find_campaigns(connection, connection.scalars(sent).all())
    return [_line(tallies, small_cells) for tallies in tally_all(connection, campaigns)]


def _line(tallies: Tallies, small_cells: bool) -> CampaignLine:
    campaign, every = tallies.campaign, main_figures(tallies)
    notes = [*notes_on(tallies)]
    if not small_cells:
        every, notes = without_small_figures(every), notes_without_numbers(notes)
    assert campaign.frozen_at is not None
    return CampaignLine(
        campaign.id, campaign.name, campaign.state, campaign.list_name or "", campaign.frozen_at,
        tallies.counted_at - campaign.frozen_at, tallies.as_of, tallies.intake.rule_set,
        {name: every[name] for name in OF_LIST}, notes,
    )  # fmt: skip
