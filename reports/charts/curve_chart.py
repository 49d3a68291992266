"""The chart of a campaign's people over time: how soon they read it and clicked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from daisychain.clock import home_zone
from reports.charts.chart import Chart, data_of
from reports.charts.chart_theme import CLICKED, MUTED, SEEN
from reports.curve import duration
from reports.figure_cells import of
from reports.report import Report

SERIES = {"seen_reading": "Seen reading", "clicked": "Clicked"}
_UNITS = ((4 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (120, 60, "minutes"), (0, 1, "seconds"))
_NEARLY_ALL = 0.99
_LABEL = 32  # letters of a note that a chart shows


def curve_data(report: Report) -> Chart:
    """Return what the chart shows: people until each moment since their own mail was sent."""
    steps = [step for step in report.curve if step.seconds]
    table: list[tuple[str, ...]] = [
        ("so far" if step.seconds is None else duration(step.seconds), of(step.seen_reading), of(step.clicked))
        for step in report.curve
    ]
    known = {name: getattr(report.curve[-1], name).numerator for name in SERIES} if report.curve else {}
    ended = next((at for at, step in enumerate(steps) if all(
        (getattr(step, name).numerator or 0) >= _NEARLY_ALL * (people or 0) for name, people in known.items()
    )), len(steps))  # fmt: skip
    drawn = steps[: ended + 2]
    longest = (drawn[-1].seconds or 0) if drawn else 0
    seconds, unit = next((size, name) for least, size, name in _UNITS if longest >= least)
    rows = [
        {"series": label, "time": at, "people": people, "unit": unit}
        for name, label in SERIES.items()
        if known.get(name)
        for at, people in [
            (0.0, 0), *(((step.seconds or 0) / seconds, getattr(step, name).numerator or 0) for step in drawn),
        ]
    ]  # fmt: skip
    missing = "" if rows and drawn else "There is nothing to draw yet: nobody is known to have read it."
    return Chart(
        "curve", "How soon people read it",
        "People who had read it, and who had clicked, so long after their own mail was sent. The line ends once nearly "
        "all have; the table has every step.",
        ("within", *SERIES.values()), table, rows if drawn else [], missing, [*_marks(report, seconds, longest)],
    )  # fmt: skip


def _marks(report: Report, unit: int, longest: int) -> Iterator[dict[str, Any]]:
    """Yield the days of notes that the curve reaches, as times of a mail that was sent last."""
    if report.sent_at is None:
        return
    for note in report.staff_notes:
        day = datetime.combine(note.day, time(), home_zone())
        begin, end = ((day + timedelta(days=days) - report.sent_at).total_seconds() for days in (0, 1))
        if end > 0 and begin < longest:
            words = note.content if len(note.content) <= _LABEL else f"{note.content[:_LABEL]}…"
            yield {"begin": max(begin, 0) / unit, "end": min(end, longest) / unit, "label": words,
                   "side": "left" if begin < longest / 2 else "right"}  # fmt: skip


def curve_specification(chart: Chart, width: int) -> Any:
    """Return lines that rise."""
    import altair as alt

    domain = list(SERIES.values())
    unit = chart.rows[0]["unit"]
    # A piece of each line, with its dashes.
    legend = alt.Legend(symbolType="stroke", symbolSize=600, symbolStrokeWidth=3)
    base = alt.Chart(data_of(chart)).encode(
        x=alt.X("time:Q", title=f"{unit} since their mail was sent", axis=alt.Axis(tickCount=width // 70, grid=False)),
        y=alt.Y("people:Q", title=None, axis=alt.Axis(tickCount=5, format=",d", tickMinStep=1)),
        color=alt.Color("series:N", scale=alt.Scale(domain=domain, range=[SEEN, CLICKED]), legend=legend),
    )
    dashes = alt.Scale(domain=domain, range=[[1, 0], [7, 4]])
    line = base.mark_line(strokeWidth=3).encode(strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=legend))
    notes = []
    for place, mark in enumerate(chart.marks):
        own = alt.Chart(alt.Data(values=[mark]))  # type: ignore[no-untyped-call]
        notes.append(own.mark_rect(color=MUTED, opacity=0.16).encode(x="begin:Q", x2="end:Q"))
        words = own.mark_text(align=mark["side"], baseline="top", dx=4 if mark["side"] == "left" else -4)
        edge = "begin:Q" if mark["side"] == "left" else "end:Q"
        notes.append(words.encode(x=edge, y=alt.value(4 + 18 * place), text="label:N"))
    points = base.mark_point(filled=True, size=34, opacity=1)
    return alt.layer(*notes, line, points).properties(width=width, height=280)
