"""Reports: a line for each campaign, and the figures of one as `report show` has them. No address is in any."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from desk.access import engine, person, right
from desk.forms import asked_number
from desk.reports.report_files import files_to_offer, report_of
from reports.charts.drawing import charts_of
from reports.document.exports import as_csv
from reports.figure_cells import cells, count, tiles_of, with_interval
from reports.in_words import in_words
from reports.part_tables import MOST_ROWS, part_tables
from reports.report_list import campaign_lines

blueprint = Blueprint("reports", __name__, url_prefix="/reports")
PAGE = 10
LINKS = 60  # that a page shows; the file has all of them


@blueprint.get("")
@right("figures.see")
def index() -> Any:
    """List the campaigns that were sent, with their main figures."""
    before = asked_number("before")
    with engine().connect() as snapshot:
        lines = campaign_lines(snapshot, PAGE + 1, before=before, small_cells=person().may("campaigns.see"))
    older = lines[PAGE - 1].campaign_id if len(lines) > PAGE else None
    return render_template(
        "desk/reports/index.html", lines=lines[:PAGE], older=older, before=before, with_interval=with_interval
    )


@blueprint.get("/<int:campaign_id>")
@right("figures.see")
def show(campaign_id: int) -> Any:
    """Show the figures of a campaign."""
    report = report_of(campaign_id)
    return render_template(
        "desk/reports/show.html", report=report, said=in_words(report), cells=cells, count=count,
        links=report.links[:LINKS], charts=charts_of(report), files=files_to_offer(), parts=part_tables(report),
        most_rows=MOST_ROWS,
        tiles=tiles_of(report),
    )  # fmt: skip


@blueprint.get("/<int:campaign_id>/figures.csv")
@right("figures.see")
def download(campaign_id: int) -> Response:
    """Return all figures as CSV."""
    headers = {"Content-Disposition": f'attachment; filename="report-{campaign_id}.csv"'}
    return Response(as_csv(report_of(campaign_id, wait=True)), mimetype="text/csv", headers=headers)
