"""The chart of mailbox providers: the rates of the people at each, with their intervals."""

from __future__ import annotations

from typing import Any

from reports.charts.chart import Chart, data_of, names_axis
from reports.charts.chart_theme import CLICKED, SEEN
from reports.charts.curve_chart import SERIES
from reports.figure_cells import count, of, with_interval
from reports.report import Report
from sender.mailbox_providers import OTHER

_ROOM = 120  # px for the names
_COLUMNS = ("mailbox provider", "Accepted", "Delivered", "Bounced (hard)", *SERIES.values(), "Unsubscribed")


def mailbox_data(report: Report) -> Chart:
    """Return what the chart shows: for each mailbox provider the share that read and clicked."""
    table: list[tuple[str, ...]] = []
    rows: list[dict[str, Any]] = []
    for name, figures in report.mailboxes.items():
        label = "all others" if name == OTHER else name
        table.append((
            label, count(figures["accepted"]), of(figures["delivered"]), of(figures["bounced_hard"]),
            *(with_interval(figures[series]) for series in SERIES), of(figures["unsubscribed"]),
        ))  # fmt: skip
        for series, shown in SERIES.items():
            rate, interval = figures[series].rate, figures[series].interval
            if rate is not None and interval:
                low, high = interval
                rows.append({"mailbox": label, "series": shown, "rate": rate, "low": low, "high": high})
    return Chart(
        "mailboxes", "By mailbox provider",
        "The share of the people reached who were seen reading, and who clicked; a line is the 95 % interval. Apple "
        "hides reading, so few of its readers are seen. “All others” includes organisations' own domains.",
        _COLUMNS, table, rows, "" if rows else "There are no rates to draw.",
    )  # fmt: skip


def mailbox_specification(chart: Chart, width: int) -> Any:
    """Return a point with its interval for each provider and series."""
    import altair as alt

    domain = list(SERIES.values())
    base = alt.Chart(data_of(chart)).encode(
        y=alt.Y("mailbox:N", title=None, sort=None, axis=names_axis(_ROOM)),
        yOffset=alt.YOffset("series:N", sort=domain),
        color=alt.Color(
            "series:N", scale=alt.Scale(domain=domain, range=[SEEN, CLICKED]), legend=alt.Legend(symbolOpacity=1)
        ),
    )
    axis = alt.Axis(format=".0%", tickCount=width // 90)
    line = base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=alt.X("low:Q", title=None, axis=axis), x2="high:Q")
    shapes = alt.Scale(domain=domain, range=["circle", "diamond"])
    point = base.mark_point(filled=True, size=130, opacity=1).encode(
        x=alt.X("rate:Q", axis=axis), shape=alt.Shape("series:N", scale=shapes)
    )
    places = len({row["mailbox"] for row in chart.rows})
    return alt.layer(line, point).properties(width=width, height=80 + 46 * places)
