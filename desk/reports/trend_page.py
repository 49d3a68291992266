"""The trend of a list: month by month who came and left, and how its campaigns were read. No address is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from desk.access import connection, or_404, person, right
from reports.charts.trend_chart import HEIGHT, WIDTH, trend_charts
from reports.document.exports import trend_as_csv
from reports.figure_cells import percent
from reports.trend import AGE_NOTE, LABELS, MONTHS, UNENGAGED, Trend, titles_of_lists, trend

blueprint = Blueprint("trends", __name__, url_prefix="/reports/trends")
SPANS = (MONTHS, 24, 36)  # months to choose from


@blueprint.get("")
@right("figures.see")
def show() -> Any:
    """Show a list's months; the list that was mailed last if none was chosen."""
    lists = titles_of_lists(connection())
    name = request.args.get("list") or next(iter(lists), "")
    if not name:
        return render_template("desk/reports/trend.html", trend=None)
    shown, many = _since_somebody(_trend(name)), _months()
    joined, left = (_sum(getattr(month, kind) for month in shown.months) for kind in ("joined", "left"))
    sums = {
        "On the list": shown.months[-1].people, f"Joined in {many} months": joined, f"Left in {many} months": left,
        "Unengaged": shown.unengaged,
    }  # fmt: skip
    return render_template(
        "desk/reports/trend.html", lists=lists, name=name, title=lists[name], spans=SPANS, months=many, trend=shown,
        sums=sums, charts=trend_charts(shown), labels=LABELS, percent=percent, note=AGE_NOTE, unengaged=UNENGAGED,
        width=WIDTH, height=HEIGHT,
    )  # fmt: skip


@blueprint.get("/trend.csv")
@right("figures.see")
def download() -> Response:
    """Return a line for each month as CSV."""
    name = request.args.get("list", "")
    headers = {"Content-Disposition": f'attachment; filename="trend-{name}.csv"'}
    return Response(trend_as_csv(_trend(name), exact=False), mimetype="text/csv", headers=headers)


def _since_somebody(found: Trend) -> Trend:
    """Return the trend without the months before anybody was on the list; the last month stays."""
    begun = (at for at, month in enumerate(found.months) if month.people or month.campaigns or month.joined != 0)
    return replace(found, months=found.months[next(begun, -1) :])


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum; None if one of them is hidden, as the others would tell it."""
    known = [*counts]
    return None if None in known else sum(count or 0 for count in known)


def _trend(name: str) -> Trend:
    return or_404(trend, connection(), name, _months(), small_cells=person().may("campaigns.see"))


def _months() -> int:
    asked = request.args.get("months", str(MONTHS))
    if asked not in map(str, SPANS):
        abort(404)
    return int(asked)
