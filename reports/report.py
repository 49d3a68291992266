"""The types of a report: a figure, the figures of a link, and all figures of a campaign; as rows and as frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from reports.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "daisychain.report/2"

# "hidden": from people who may see no small cells (small_cells.py).
Standing = Literal["known", "partly known", "not tracked", "not known", "hidden"]

LEDGER = "ledger"
COLUMNS = (
    "figure", "label", "standing", "numerator", "denominator", "rate", "rate_low", "rate_high", "wide_low", "wide_high",
    "note", "definition", "source", "as_of",
)  # fmt: skip
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
        cells = (
            self.name, self.label, self.standing, self.numerator, self.denominator, self.rate,
            *(self.interval or (None, None)), *(self.wide or (None, None)), self.note, self.definition, self.source,
            self.as_of,
        )  # fmt: skip
        return dict(zip(COLUMNS, cells, strict=True))


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
        return [
            {"language": language, **figure.row()}
            for language, figures in self.languages.items()
            for figure in figures.values()
        ]

    def link_rows(self) -> list[dict[str, Any]]:
        """Return two rows for each link, `clicks` and `clickers`, with its number, text, URL and language."""
        return [
            {
                "link": link.number,
                "link_text": link.text,
                "link_url": link.url,
                "language": link.language,
                **figure.row(),
            }
            for link in self.links
            for figure in (link.clicks, link.clickers)
        ]

    def mailbox_rows(self) -> list[dict[str, Any]]:
        """Return a row for each mailbox provider and figure; the figures' names begin with `mailbox_`."""
        return [
            {"mailbox": mailbox, **figure.row(), "figure": f"mailbox_{figure.name}"}
            for mailbox, figures in self.mailboxes.items()
            for figure in figures.values()
        ]

    def part_rows(self) -> list[dict[str, Any]]:
        """Return a row for each hour of day and part of a list's dimension; the figures' names begin with `part_`."""
        return [
            {"dimension": dimension, "part": part, **figure.row(), "figure": f"part_{figure.name}"}
            for dimension, parts in self.parts.items() if dimension not in (LANGUAGE, MAILBOX_PROVIDER)
            for part, figures in parts.items()
            for figure in figures.values()
        ]  # fmt: skip

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

    def frame(self) -> pd.DataFrame:
        """Return `rows` as a frame, whose `.attrs["definition"]` has the definitions by name."""
        return _frame(self.rows())

    def language_frame(self) -> pd.DataFrame:
        """Return `language_rows` as a frame."""
        return _frame(self.language_rows(), "language")

    def link_frame(self) -> pd.DataFrame:
        """Return `link_rows` as a frame."""
        return _frame(self.link_rows(), "link", "link_text", "link_url", "language").astype({"link": "Int64"})


_RATES = ("rate", "rate_low", "rate_high", "wide_low", "wide_high")


def _frame(rows: list[dict[str, Any]], *places: str) -> pd.DataFrame:
    """Return a frame of `rows`; its second and further columns are `places`, which say what a figure is about."""
    import pandas as pd  # a quarter of a second, which only those who want a frame should wait for

    frame = pd.DataFrame(rows, columns=[COLUMNS[0], *places, *COLUMNS[1:]])
    # People are whole numbers, and some of them are not known.
    frame = frame.astype({"numerator": "Int64", "denominator": "Int64"})
    frame = frame.astype(dict.fromkeys(_RATES, "Float64"))
    frame.attrs["definition"] = {row["figure"]: row["definition"] for row in rows}
    return frame
