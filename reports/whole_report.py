"""The whole report of a campaign, as pages and files show it: figures, over time, and by mailbox provider."""

from __future__ import annotations

from sqlalchemy import Engine

from reports.breakdown import keep_breakdown, read_breakdown, state_of
from reports.figures import report_of
from reports.report import Report
from reports.small_cells import without_small_cells
from reports.tallies import tally


def whole_report(engine: Engine, campaign_id: int, *, small_cells: bool = True, wait: bool = True) -> Report:
    """Return the whole report, from one snapshot; raises StateError if there is nothing to report.

    Without `small_cells`, what is about fewer than five people is hidden. With `wait` False, people over time and by
    mailbox provider may be of a little earlier, if the campaign is large.
    """
    with engine.connect() as snapshot:
        tallies = tally(snapshot, campaign_id)
        state = state_of(snapshot, tallies)
        breakdown, fresh = read_breakdown(snapshot, tallies, state, wait=wait)
        report = report_of(snapshot, tallies, breakdown)
    if fresh:
        keep_breakdown(engine, campaign_id, state, breakdown)
    return report if small_cells else without_small_cells(report)
