"""The chart of the ledger: everybody in the audience, each in one part of a bar that balances."""

from __future__ import annotations

from typing import Any

from reports.charts.chart import Chart, data_of
from reports.charts.chart_theme import FATES
from reports.report import Report

_FATE = ("delivered", "no_word", "bounced_soft", "bounced_hard", "dropped")
_STATES = ("uncertain", "failed", "waiting", "excluded")


def ledger_data(report: Report) -> Chart:
    """Return what the chart shows: parts that add up to the people intended; those that are hidden as one part."""
    whole = report["intended"].numerator
    fates = _FATE if report["delivered"].standing in ("known", "partly known", "hidden") else ("accepted",)
    parts = [(name, report[name].label, report[name].numerator) for name in (*fates, *_STATES)]
    table = [(label, "hidden" if people is None else f"{people:,}") for _, label, people in parts]
    if whole is None:
        parts, table = [], []
    elif rest := whole - sum(people or 0 for *_, people in parts):
        parts.append(("hidden", "Hidden", rest))
    rows = [
        {"fate": name, "label": f"{label} {people:,}", "people": people, "place": place}
        for place, (name, label, people) in enumerate(parts)
        if people
    ]
    return Chart(
        "ledger", "Where everybody is",
        "Everybody in the audience when it was frozen is in one part of the bar, so the parts add up.",
        ("", "People"), [*table, ("Intended, the sum", "hidden" if whole is None else f"{whole:,}")],
        rows, "" if rows else "There is nothing to draw: nobody is in the audience, or their number is hidden.",
    )  # fmt: skip


def ledger_specification(chart: Chart, width: int) -> Any:
    """Return one bar of several parts, with their numbers in the legend."""
    import altair as alt

    labels = [row["label"] for row in chart.rows]
    colours = alt.Scale(domain=labels, range=[FATES[row["fate"]] for row in chart.rows])
    legend_columns = max(1, width // 160)
    legend = alt.Legend(orient="bottom", columns=legend_columns, symbolType="square")
    whole = sum(row["people"] for row in chart.rows)
    bar = alt.Chart(data_of(chart)).mark_bar(height=44).encode(
        x=alt.X("people:Q", stack=True, title=None, axis=None, scale=alt.Scale(domain=[0, whole], nice=False)),
        color=alt.Color("label:N", scale=colours, sort=labels, legend=legend),
        order=alt.Order("place:Q"),
    )  # fmt: skip
    return alt.layer(bar).properties(width=width, height=70 + 22 * -(-len(labels) // legend_columns))
