"""The chart of links: how many people followed each, in the order of the mail."""

from __future__ import annotations

from typing import Any

from reports.charts.chart import Chart, data_of, names_axis
from reports.charts.chart_theme import CLICKED
from reports.figure_cells import count, with_interval
from reports.report import LinkFigures, Report

MOST = 12  # links that are drawn, those that most people followed; the table has all
_LONGEST = 34


def link_label(link: LinkFigures, place: int) -> str:
    """Return a link's number as the picture of the mail shows it, and its words."""
    words = link.text or "(a picture)"
    return f"{place}. {words}{f' ({link.language})' if link.language else ''}" if link.number is not None else words


def link_data(report: Report) -> Chart:
    """Return what the chart shows: people by link; places count from 1."""
    places = list(enumerate(report.links, 1))
    rows = [
        {"link": _short(link_label(link, place)), "place": place, "people": link.clickers.numerator}
        for place, link in places
        if link.clickers.numerator is not None
    ]
    most = sorted(rows, key=lambda row: -int(str(row["people"])))[:MOST]
    rows = [row for row in rows if row in most and any(each["people"] for each in rows)]
    return Chart(
        "links", "Links", "People who followed each link, in the order of the mail.",
        ("link", "leads to", "Clicks", "People"),
        [(link_label(link, place), link.url, count(link.clicks), f"{count(link.clickers)} · "
          f"{with_interval(link.clickers)}" if link.clickers.rate is not None else count(link.clickers))
         for place, link in places],
        rows, "" if rows else "There is nothing to draw: no link is known to have been followed.",
    )  # fmt: skip


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"


def link_specification(chart: Chart, width: int) -> Any:
    """Return a bar for each link with its number of people."""
    import altair as alt

    most = max(row["people"] for row in chart.rows)
    room = min(260, width // 2)
    base = alt.Chart(data_of(chart)).encode(
        y=alt.Y("link:N", title=None, sort=None, axis=names_axis(room)),
        # Room for the number behind the longest bar.
        x=alt.X("people:Q", title=None, axis=None, scale=alt.Scale(domain=[0, most * 1.25], nice=False), stack=None),
    )
    text = base.mark_text(align="left", dx=5).encode(text=alt.Text("people:Q", format=",d"))
    bars = base.mark_bar(color=CLICKED, height=16, cornerRadiusEnd=3)
    return alt.layer(bars, text).properties(width=width, height=30 * len(chart.rows))
