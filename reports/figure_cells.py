"""Figures as the cells of tables, for commands and pages alike."""

from __future__ import annotations

from dataclasses import dataclass

from reports.report import Figure, Interval, Report


def cells(figure: Figure) -> tuple[str, str, str, str, str]:
    """Return label, people, denominator, rate and 95 % interval."""
    return (
        figure.label,
        count(figure),
        "" if figure.denominator is None else f"{figure.denominator:,}",
        "no rate" if figure.rate is None and figure.denominator == 0 else percent(figure.rate),
        _interval(figure.interval) + (f"; wide {_interval(figure.wide)}" if figure.wide else ""),
    )


def with_interval(figure: Figure) -> str:
    """Return the rate with its interval, or the count of a figure that is no share."""
    if figure.rate is None:
        return count(figure)
    partly = "" if figure.standing == "known" else f", {figure.standing}"
    return f"{percent(figure.rate)} ({_interval(figure.interval)}){partly}"


def of(figure: Figure) -> str:
    """Return the count with its denominator and rate."""
    rate = "" if figure.rate is None else f" ({percent(figure.rate)})"
    if figure.numerator is None or figure.denominator is None:
        return count(figure)
    return f"{figure.numerator:,} of {figure.denominator:,}{rate}"


# The figures to see first.
TILES = ("delivered", "seen_reading", "read_estimated", "clicked", "unsubscribed", "complained")


@dataclass(frozen=True)
class Tile:
    """A figure as a tile: what it is, the number to see first, of how many, and how sure it is."""

    label: str
    value: str
    detail: str
    interval: str


def tiles_of(report: Report) -> list[Tile]:
    """Return the figures of a report to see first."""
    return [tile(report[name]) for name in TILES if name in report.figures]


def tile(figure: Figure) -> Tile:
    """Return a figure as a tile; an estimate shows its wide interval, the one to decide by."""
    interval = _interval(figure.wide or figure.interval)
    if figure.rate is None:
        return Tile(figure.label, count(figure), figure.note if figure.numerator is None else "", "")
    partly = "" if figure.standing == "known" else f", {figure.standing}"
    detail = f"{figure.numerator:,} of {figure.denominator:,}{partly}"
    return Tile(figure.label, percent(figure.rate), detail, interval)


def count(figure: Figure) -> str:
    """Return the people, or why there is no number: never 0 for an unknown one."""
    if figure.numerator is None:
        return figure.standing
    return f"{figure.numerator:,}" + ("" if figure.standing == "known" else f" ({figure.standing})")


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def percent(share: float | None) -> str:
    """Return a share of 1 as people read it; empty if there is none."""
    return "" if share is None else f"{share * 100:.1f} %"
