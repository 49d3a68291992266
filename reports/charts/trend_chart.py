"""A list's rates month by month: small charts that are drawn with their page, beside the table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from reports.trend import LABELS, Month, Trend

WIDTH, HEIGHT = 300, 100
# The tops that a scale may have, as shares of 1: few, so that charts of two lists can be held beside each other.
TOPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class RateChart:
    """The chart of one rate: months as points with their 95 % intervals, lines between neighbours, and what is usual.

    `points` are x and y, and the interval's ends, in an SVG of `WIDTH` by `HEIGHT`; `usual` is the band's top and
    height. `last` is the newest month with a rate.
    """

    name: str
    label: str
    top: float
    points: list[tuple[float, float, float, float]]
    lines: list[str]
    usual: tuple[float, float] | None
    last: Month


def trend_charts(trend: Trend) -> list[RateChart]:
    """Return a chart of each rate that some month has."""
    return [chart for name in LABELS for chart in _chart(trend, name)]


def _chart(trend: Trend, name: str) -> Iterator[RateChart]:
    known = {at: rate for at, month in enumerate(trend.months) if (rate := month.rates[name])}
    usual = trend.usual[name]
    intervals = [each.interval or (0.0, 0.0) for each in known.values()]
    if not known:
        return
    highest = max([high for _, high in intervals] + ([usual[1]] if usual else []))
    top = next(each for each in TOPS if each >= min(highest, 1))
    step = WIDTH / max(len(trend.months), 1)

    def y(share: float) -> float:
        return round(HEIGHT * (1 - share / top), 1)

    points = {
        at: (round((at + 0.5) * step, 1), y(rate.rate or 0), y(low), y(high))
        for (at, rate), (low, high) in zip(known.items(), intervals, strict=True)
    }
    lines = [" ".join(f"{points[at][0]},{points[at][1]}" for at in run) for run in _runs([*points]) if len(run) > 1]
    band = (y(usual[1]), max(ceil(y(usual[0]) - y(usual[1])), 1)) if usual else None
    yield RateChart(name, LABELS[name], top, [*points.values()], lines, band, trend.months[max(known)])


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Return the neighbours among places, which are in order, together."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs
