"""The chore that counts and draws ahead, so that nobody waits for a report's charts and pictures of its mail."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import func, or_, select, text

from daisychain.database import Database
from newsletters.browser.browser import BrowserError
from reports.charts.chart import WIDTHS
from reports.charts.drawing import charts_of, drawn
from reports.document.mail_map import mail_pictures
from reports.small_cells import without_small_cells
from reports.tables import KeptBreakdown
from reports.whole_report import whole_report
from sender.tables import Campaign, CampaignIntake

AT_ONCE = 3
# Events come all the time in the first days, and counting a million people takes seconds.
_FRESH, _WATCHED = text("interval '5 minutes'"), text("interval '60 days'")


def draw_due(database: Database) -> str:
    """Count the campaigns again that something was reported of since, and draw their charts; returns how many."""
    changed = func.greatest(CampaignIntake.newest_at, CampaignIntake.classified_at)
    counted = KeptBreakdown.counted_at
    due = (
        select(Campaign.id)
        .join(CampaignIntake, CampaignIntake.campaign_id == Campaign.id)
        .outerjoin(KeptBreakdown, KeptBreakdown.campaign_id == Campaign.id)
        .where(Campaign.kind == "campaign", Campaign.frozen_at.isnot(None), Campaign.state != "draft")
        .where(CampaignIntake.newest_at > func.now() - _WATCHED)
        .where(or_(counted.is_(None), (counted < changed) & (counted < func.now() - _FRESH)))
        .order_by(CampaignIntake.newest_at.desc())
        .limit(AT_ONCE)
    )
    with database.engine.connect() as connection:
        campaigns = connection.scalars(due).all()
    for campaign_id in campaigns:
        whole = whole_report(database.engine, campaign_id)
        for report in (whole, without_small_cells(whole)):
            for chart in charts_of(report):
                for form in () if chart.missing else WIDTHS:
                    drawn(database.engine, report, chart, form)
        with suppress(BrowserError):  # without a browser, documents say so
            mail_pictures(database.engine, whole)
    return f"{len(campaigns)} reports counted and drawn" if campaigns else ""
