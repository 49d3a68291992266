"""A report's parts as tables: people by language, hour of day, and each dimension of the list."""

from __future__ import annotations

from dataclasses import dataclass

from daisychain.errors import InputError
from newsletters.documents.language_names import language_name
from reports.figure_cells import of
from reports.report import HOUR, LANGUAGE, MAILBOX_PROVIDER, Figure, Report
from sender.mailbox_providers import OTHER

_SHOWN = ("intended", "accepted", "delivered", "seen_reading", "clicked", "unsubscribed", "first_read", "first_clicked")
_TITLES = {LANGUAGE: "By language", MAILBOX_PROVIDER: "By mailbox provider", HOUR: "By hour of day"}
MOST_ROWS = 60  # that a page shows


@dataclass(frozen=True)
class PartTable:
    """The parts of one dimension; `figures` are the first part's, for labels and definitions."""

    dimension: str
    title: str
    figures: list[Figure]
    table: list[tuple[str, ...]]  # of which the first cell is the part's name

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the heads of the columns."""
        return self.dimension.replace("_", " ").capitalize(), *(figure.label for figure in self.figures)


def part_tables(report: Report) -> list[PartTable]:
    """Return a table for each dimension with anybody in it; mailbox providers have a chart and table of their own."""
    shown = (name for name in report.parts if name != MAILBOX_PROVIDER)
    return [part_table(report, name) for name in shown if name != HOUR or report["seen_reading"].numerator]


def part_table(report: Report, dimension: str) -> PartTable:
    """Return the table of one dimension; raises InputError if the campaign has none of that name."""
    if dimension not in report.parts:
        own = set(report.parts) - set(_TITLES)
        hint = "" if own else (
            " A list's fields are dimensions if it named them before the campaign was sent: "
            "`daisychain list edit NAME --dimension region`."
        )  # fmt: skip
        raise InputError(
            f"Campaign {report.campaign_id} can't be shown by {dimension!r}.",
            hint=f"It has {', '.join(sorted(report.parts))}.{hint}",
        )
    parts = report.parts[dimension]
    names = [name for name in _SHOWN if name in next(iter(parts.values()), {})]
    rows: list[tuple[str, ...]] = [
        (_part(dimension, part), *(of(figures[name]) for name in names)) for part, figures in parts.items()
    ]
    figures = [next(iter(parts.values()))[name] for name in names]
    return PartTable(dimension, _TITLES.get(dimension, f"By {dimension.replace('_', ' ')}"), figures, rows)


def _part(dimension: str, part: str) -> str:
    if dimension == MAILBOX_PROVIDER and part == OTHER:
        return "all others"
    return language_name(part) if dimension == LANGUAGE else part
