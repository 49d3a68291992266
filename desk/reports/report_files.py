"""A report's charts, and the report as a file in each format. No address is in any; small cells only for who may."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Lock
from typing import Any

from flask import Blueprint, Response, abort

from daisychain.cache import Busy
from desk.access import engine, person, right
from desk.campaigns.progress import found
from reports.charts.chart import WIDTHS
from reports.charts.drawing import chart_named, drawn
from reports.document.file_formats import FORMATS
from reports.report import Report
from reports.whole_report import whole_report

blueprint = Blueprint("report_files", __name__, url_prefix="/reports")
# A chart's SVG has its dark colours in a style sheet of its own; nothing else is allowed to it.
CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Each file may start a browser, so a process makes one at a time; seconds to wait for the turn.
_MAKING, _PATIENCE = Lock(), 20.0


def report_of(campaign_id: int, *, wait: bool = False) -> Report:
    """Return the report of a campaign as this person may see it; 404 if there is none."""
    found(campaign_id)
    return whole_report(engine(), campaign_id, small_cells=person().may("campaigns.see"), wait=wait)


def files_to_offer() -> dict[str, str]:
    """Return the titles of the formats that can be made here, by their endings."""
    return {kind: each.title for kind, each in FORMATS.items() if kind != "parquet" or find_spec("pyarrow")}


@blueprint.get("/<int:campaign_id>/charts/<width>/<chart>.svg")
@right("figures.see")
def chart(campaign_id: int, width: str, chart: str) -> Any:
    """Return one chart: the kept drawing, or drawn now if no worker has drawn it yet."""
    report = report_of(campaign_id)
    shown = chart_named(report, chart)
    if shown is None or width not in WIDTHS:
        abort(404)
    return Response(
        drawn(engine(), report, shown, width), mimetype="image/svg+xml",
        headers={"Content-Security-Policy": CHART_POLICY},
    )  # fmt: skip


@blueprint.get("/<int:campaign_id>/report.<kind>")
@right("figures.see")
def file(campaign_id: int, kind: str) -> Any:
    """Return the report as a file to keep."""
    if kind not in FORMATS:
        abort(404)
    report = report_of(campaign_id, wait=True)
    if not _MAKING.acquire(timeout=_PATIENCE):
        raise Busy("Another report is being made.", hint="Wait for a moment, then try again.")
    try:
        content = FORMATS[kind].make(engine(), report)
    finally:
        _MAKING.release()
    headers = {"Content-Disposition": f'attachment; filename="report-{campaign_id}.{kind}"'}
    return Response(content, mimetype=FORMATS[kind].media_type, headers=headers)
