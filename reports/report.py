"""The types of a report: a figure, the figures of a link, and all figures of a campaign; each also as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from reports.intervals import wilson

SCHEMA = "daisychain.report/2"

# "hidden": from people who may see no small cells (small_cells.py).
Standing = Literal["known", "partly known", "not tracked", "not known", "hidden"]

LEDGER = "ledger"
Interval = tuple[float, float]
LANGUAGE, MAILBOX_PROVIDER, HOUR = "language", "mailbox", "hour"


@dataclass(frozen=True)
class Figure:
    """One figure. `denominator` is None for a plain count; `numerator` is None if it is not tracked or not known.

    An estimate has intervals of its own: `sampling` of chance, and `wide` if its assumption does not quite hold.
    """

    name: str
    label: str
    numerator: int | None
    denominator: int | None
    definition: str
    source: str
    as_of: datetime
    standing: Standing = "known"
    note: str = ""  # why it has no number, no rate, or is an estimate
    sampling: Interval | None = None
    wide: Interval | None = None

    @property
    def rate(self) -> float | None:
        """Return the share of 1; None for a plain count, an unknown figure, and a share of nobody."""
        return None if self.numerator is None or not self.denominator else self.numerator / self.denominator

    @property
    def interval(self) -> Interval | None:
        """Return the 95 % confidence interval as shares of 1; None for the ledger's sums, which are no sample."""
        if self.sampling or self.source == LEDGER or self.numerator is None or not self.denominator:
            return self.sampling
        return wilson(self.numerator, self.denominator)

    def row(self) -> dict[str, Any]:
        """Return the figure by the names of columns, for frames and files."""
        (low, high), (wide_low, wide_high) = self.interval or (None, None), self.wide or (None, None)
        return {
            "figure": self.name, "label": self.label, "standing": self.standing, "numerator": self.numerator,
            "denominator": self.denominator, "rate": self.rate, "rate_low": low, "rate_high": high,
            "wide_low": wide_low, "wide_high": wide_high, "note": self.note, "definition": self.definition,
            "source": self.source, "as_of": self.as_of,
        }  # fmt: skip


Parts = dict[str, dict[str, Figure]]  # the figures of each part of a dimension, by name


@dataclass(frozen=True)
class LinkFigures:
    """One link: its place in the email (None: clicks that match no link), clicks, and clickers.

    `language` is set if only that language has the link.
    """

    number: int | None
    text: str
    url: str
    clicks: Figure
    clickers: Figure
    language: str = ""


@dataclass(frozen=True)
class Note:
    """A note of staff on a day, such as "press story"."""

    number: int
    day: date
    content: str
    written_by: str

    @property
    def when(self) -> str:
        """Return the day as people write it, such as "Mon 30 Nov 2026"."""
        return f"{self.day:%a} {self.day.day} {self.day:%b %Y}"


@dataclass(frozen=True)
class CurveStep:
    """The people who had read and clicked `seconds` after their own mail was sent; None is the time of the count."""

    seconds: int | None
    seen_reading: Figure
    clicked: Figure


@dataclass(frozen=True)
class Report:
    """The figures of one campaign, in reading order.

    `parts` has them by dimension and part: by language if it has several; by mailbox provider, hour of day and the
    dimensions of its list only if asked for, as is `curve`, as counted at `broken_down_at`.

    `as_of` is when the newest event arrived, or the time of counting if none has. `notes` say what to know first.
    """

    campaign_id: int
    campaign: str
    state: str
    as_of: datetime
    last_event_at: datetime | None
    rule_set: int
    notes: list[str]
    figures: dict[str, Figure]
    links: list[LinkFigures] = field(default_factory=list)
    parts: dict[str, Parts] = field(default_factory=dict)
    curve: list[CurveStep] = field(default_factory=list)
    broken_down_at: datetime | None = None
    sent_at: datetime | None = None  # when its last mail left
    staff_notes: list[Note] = field(default_factory=list)
    few: frozenset[str] = frozenset()  # figures that differ from others by a few people (together.py)

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    @property
    def languages(self) -> Parts:
        """Return the figures by language; none if there is only one."""
        return self.parts.get(LANGUAGE, {})

    @property
    def mailboxes(self) -> Parts:
        """Return the figures by mailbox provider, if asked for."""
        return self.parts.get(MAILBOX_PROVIDER, {})

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each figure of the whole campaign."""
        return [figure.row() for figure in self.figures.values()]

    def language_rows(self) -> list[dict[str, Any]]:
        """Return a row for each language and figure; none if there is only one language."""
        return _rows_of(self.languages, "language")

    def link_rows(self) -> list[dict[str, Any]]:
        """Return two rows for each link, `clicks` and `clickers`, with its number, text, URL and language."""
        return [
            {"link": link.number, "link_text": link.text, "link_url": link.url, "language": link.language,
             **figure.row()}
            for link in self.links for figure in (link.clicks, link.clickers)
        ]  # fmt: skip

    def mailbox_rows(self) -> list[dict[str, Any]]:
        """Return a row for each mailbox provider and figure; the figures' names begin with `mailbox_`."""
        return _rows_of(self.mailboxes, "mailbox", "mailbox_")

    def part_rows(self) -> list[dict[str, Any]]:
        """Return a row for each hour of day and part of a list's dimension; the figures' names begin with `part_`."""
        others = {name: parts for name, parts in self.parts.items() if name not in (LANGUAGE, MAILBOX_PROVIDER)}
        return [
            {"dimension": name, **row} for name, parts in others.items() for row in _rows_of(parts, "part", "part_")
        ]

    def note_rows(self) -> list[dict[str, Any]]:
        """Return a row for each note of staff, its day in `part`, its text in `note`."""
        return [
            {"dimension": "day", "part": f"{each.day}", "figure": "staff_note", "standing": "known",
             "note": each.content, "source": "staff"}
            for each in self.staff_notes
        ]  # fmt: skip

    def curve_rows(self) -> list[dict[str, Any]]:
        """Return two rows for each step of the curve: `curve_seen_reading` and `curve_clicked`."""
        return [
            {"within_seconds": step.seconds, **figure.row()}
            for step in self.curve
            for figure in (step.seen_reading, step.clicked)
        ]


def _rows_of(parts: Parts, column: str, prefix: str = "") -> list[dict[str, Any]]:
    return [
        {column: part, **figure.row(), "figure": f"{prefix}{figure.name}"}
        for part, figures in parts.items()
        for figure in figures.values()
    ]
