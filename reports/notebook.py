"""Figures as pandas frames, for notebooks: `from reports import Reports`. Definitions are in each frame's `.attrs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from daisychain.database import Database
from daisychain.settings import load_settings
from reports.breakdown import count_breakdown
from reports.compare import AGE, compare, read_age
from reports.part_tables import part_table
from reports.report import Figure, Report
from reports.report_list import campaign_lines
from reports.tallies import tally
from reports.trend import AGE_NOTE, UNENGAGED, trend
from reports.whole_report import figures, report_of

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = ("campaign_id", "other_id", "numerator", "denominator", "rule_set", "joined", "left", "people", "mails", "of",
          "within_seconds")  # fmt: skip
_SHARES = (
    "rate", "rate_low", "rate_high", "wide_low", "wide_high", "difference", "difference_low", "difference_high",
)  # fmt: skip
_EVERY = 1_000_000  # more campaigns than anybody has sent


class Reports:
    """The figures of an installation: the database of `url`, or that of the settings in force.

    It only reads. A frame has a row for each figure, with whole numbers that may be missing; `.attrs["definition"]` has
    each figure's definition, and `.attrs["notes"]` what to know before reading.
    """

    def __init__(self, url: str = "") -> None:
        settings = load_settings()
        self._database = Database(replace(settings, database_url=url) if url else settings)

    def __enter__(self) -> Reports:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def campaigns(self, last: int = _EVERY) -> pd.DataFrame:
        """Return a row for each campaign that was sent and figure of `report list`, the newest first."""
        with self._database.engine.connect() as connection:
            lines = campaign_lines(connection, last)
        rows = [
            {
                "campaign_id": line.campaign_id, "campaign": line.campaign, "list": line.list_name,
                "sent_at": line.sent_at, "state": line.state, "rule_set": line.rule_set, **figure.row(),
            }
            for line in lines for figure in line.figures.values()
        ]  # fmt: skip
        return _frame(
            rows, _definitions(line.figures for line in lines), [note for line in lines for note in line.notes]
        )

    def figures(self, ids: int | Iterable[int]) -> pd.DataFrame:
        """Return a row for each campaign and figure of `report show`; raises StateError if there is none."""
        with self._database.engine.connect() as connection:
            reports = [figures(connection, each) for each in _listed(ids)]
        rows = [
            {"campaign_id": report.campaign_id, "campaign": report.campaign, "rule_set": report.rule_set, **row}
            for report in reports for row in report.rows()
        ]  # fmt: skip
        notes = [f"{report.campaign_id}: {note}" for report in reports for note in report.notes]
        return _frame(rows, _definitions(report.figures for report in reports), notes)

    def curve(self, ids: int | Iterable[int]) -> pd.DataFrame:
        """Return two rows for each campaign and step: people seen reading and clicked `within_seconds` of their mail.

        The last step of each, without seconds, is *so far*. Raises StateError.
        """
        return self._parts(ids, Report.curve_rows)

    def mailboxes(self, ids: int | Iterable[int]) -> pd.DataFrame:
        """Return a row for each campaign, mailbox provider and figure; raises StateError."""
        return self._parts(ids, Report.mailbox_rows)

    def by(self, ids: int | Iterable[int], dimension: str) -> pd.DataFrame:
        """Return a row for each campaign, part and figure, such as by "region", "hour" or "language".

        Raises InputError if a campaign has no such dimension, StateError.
        """

        def rows_of(report: Report) -> list[dict[str, Any]]:
            part_table(report, dimension)  # an unknown one is an error
            parts = report.parts[dimension].items()
            return [{dimension: part, **figure.row()} for part, figures in parts for figure in figures.values()]

        return self._parts(ids, rows_of)

    def compare(self, ids: Sequence[int], age: str | timedelta = AGE) -> pd.DataFrame:
        """Return a row for each campaign and figure at equal age, with its difference from the first campaign.

        `age` is such as "72h" or "3d". Campaigns that are too young have no rows; the notes name them. Raises
        InputError, StateError.
        """
        with self._database.engine.connect() as connection:
            found = compare(connection, _listed(ids), read_age(age))
        differences = {(each.campaign_id, each.figure): each for each in found.differences}
        rows = []
        for campaign in found.campaigns:
            for name, figure in campaign.figures.items():
                row = {"campaign_id": campaign.campaign_id, "campaign": campaign.campaign, **figure.row()}
                if each := differences.get((campaign.campaign_id, name)):
                    row |= {"other_id": each.other_id, "difference": each.rate, "in_words": each.words}
                    row |= dict(zip(("difference_low", "difference_high"), each.interval, strict=True))
                rows.append(row)
        young = [f"{each.campaign_id}: {each.not_yet}" for each in found.campaigns if each.not_yet]
        return _frame(rows, _definitions(each.figures for each in found.campaigns), [*young, *found.notes])

    def trend(self, list_name: str, months: int = 12) -> pd.DataFrame:
        """Return a row for each month and rate of a list's campaigns, with its growth; raises InputError."""
        with self._database.engine.connect() as connection:
            found = trend(connection, list_name, months)
        rows = [
            {
                "month": month.first_day, "joined": month.joined, "left": month.left, "people": month.people,
                "campaigns": month.campaigns, "figure": name, "mails": rate and rate.mails, "of": rate and rate.of,
                "rate": rate and rate.rate, "usual": found.usual[name],
            }
            for month in found.months for name, rate in month.rates.items()
        ]  # fmt: skip
        return _frame(rows, {"unengaged": UNENGAGED}, [AGE_NOTE, f"{found.unengaged} unengaged"])

    def _parts(self, ids: int | Iterable[int], rows_of: Callable[[Report], list[dict[str, Any]]]) -> pd.DataFrame:
        rows, notes = [], []
        with self._database.engine.connect() as connection:
            for tallies in (tally(connection, each) for each in _listed(ids)):
                report = report_of(connection, tallies, count_breakdown(connection, tallies))
                notes += [f"{report.campaign_id}: {note}" for note in report.notes]
                rows += [
                    {"campaign_id": report.campaign_id, "campaign": report.campaign, **row} for row in rows_of(report)
                ]
        return _frame(rows, {row["figure"]: row["definition"] for row in rows}, notes)


def _listed(ids: int | Iterable[int]) -> list[int]:
    """Return plain numbers: a column of a frame gives NumPy's."""
    return [int(each) for each in ([ids] if isinstance(ids, int) else ids)]


def _definitions(every: Iterable[Mapping[str, Figure]]) -> dict[str, str]:
    return {figure.name: figure.definition for each in every for figure in each.values()}


def _frame(rows: list[dict[str, Any]], definitions: dict[str, str], notes: Sequence[str]) -> pd.DataFrame:
    import pandas as pd  # a quarter of a second, which only those who want a frame should wait for

    frame = pd.DataFrame(rows)
    kinds = {**dict.fromkeys(_WHOLE, "Int64"), **dict.fromkeys(_SHARES, "Float64")}
    frame = frame.astype({name: kind for name, kind in kinds.items() if name in frame})
    frame.attrs |= {"definition": definitions, "notes": list(dict.fromkeys(notes))}
    return frame
