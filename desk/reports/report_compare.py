"""Reports compared at equal age: the figures of several campaigns side by side, and which differences may be chance."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from daisychain.web.row_numbers import row_number
from desk.access import engine, person, right
from desk.campaigns.progress import found
from reports.compare import AGE, COMPARED, compare
from reports.figure_cells import with_interval

blueprint = Blueprint("report_compare", __name__, url_prefix="/reports")
MOST = 6  # campaigns that fit beside each other


@blueprint.get("/compare")
@right("figures.see")
def show() -> Any:
    """Show the campaigns that were ticked, as they were 72 hours after each was sent."""
    ids = list(dict.fromkeys(row_number(each) for each in request.args.getlist("campaign")))
    if not 2 <= len(ids) <= MOST:
        flash(f"Tick two to {MOST} campaigns.")
        return redirect(url_for("reports.index"))
    for each in ids:
        found(each or 0)
    with engine().connect() as snapshot:  # its own, as all figures are of one moment
        compared = compare(snapshot, [each for each in ids if each], small_cells=person().may("campaigns.see"))
    return render_template(
        "desk/reports/compare.html", found=compared, names=COMPARED, hours=int(AGE.total_seconds()) // 3600,
        with_interval=with_interval,
    )  # fmt: skip
