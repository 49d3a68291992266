"""Reports for other programs: JSON, and CSV whose columns have a version."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from daisychain.csv_cells import guard
from reports.compare import COMPARED, Comparison
from reports.in_words import in_words
from reports.report import LANGUAGE, MAILBOX_PROVIDER, SCHEMA, Figure, Parts, Report
from reports.report_list import OF_LIST, CampaignLine
from reports.trend import OF_MONTH, UNENGAGED, Trend

# The columns of `daisychain.report/2`; a change of names, order or meaning makes it /3. New ones are added at the end.
CSV_COLUMNS = (
    "schema", "rule_set", "campaign_id", "campaign", "as_of", "language", "figure", "standing", "numerator",
    "denominator", "rate", "rate_low", "rate_high", "wide_low", "wide_high", "link", "link_text", "link_url", "source",
    "note", "definition", "mailbox", "within_seconds", "dimension", "part",
)  # fmt: skip
LIST_SCHEMA = "daisychain.report-list/1"
_OF_LINE = ("schema", "rule_set", "campaign_id", "campaign", "state", "list", "sent_at", "age_hours", "as_of")
_OF_FIGURE = ("standing", "numerator", "denominator", "rate", "rate_low", "rate_high")
TREND_SCHEMA = "daisychain.report-trend/1"
_MONTH = ("schema", "list", "month", "joined", "left", "people", "campaigns", "left_out")
TREND_CSV_COLUMNS = (
    *_MONTH, *(f"{name}_{column}" for name in OF_MONTH for column in ("mails", "of", "rate", "rate_low", "rate_high")),
)  # fmt: skip
COMPARISON_SCHEMA = "daisychain.report-comparison/1"
_COMPARED = ("schema", "age_hours", "campaign_id", "campaign", "sent_at", "rule_set", "opens", "clicks", "not_yet")
COMPARISON_CSV_COLUMNS = (
    *_COMPARED,
    *(f"{name}_{column}" for name in COMPARED for column in (*_OF_FIGURE, "difference", "difference_low",
                                                             "difference_high")),
)  # fmt: skip
LIST_CSV_COLUMNS = (*_OF_LINE, *(f"{name}_{column}" for name in OF_LIST for column in _OF_FIGURE), "notes")


def as_csv(report: Report, *, exact: bool = False) -> str:
    """All figures and links, one a line; cells that a spreadsheet could run are guarded unless `exact`."""
    return _csv(CSV_COLUMNS, table_rows(report), exact)


def table_rows(report: Report) -> list[dict[str, Any]]:
    """Return a row by `CSV_COLUMNS` for each figure: of the campaign, of its links and parts, and over time."""
    common = {
        "schema": SCHEMA, "rule_set": report.rule_set, "campaign_id": report.campaign_id, "campaign": report.campaign,
        "as_of": _time(report.as_of),
    }  # fmt: skip
    rows = (
        *report.rows(), *report.language_rows(), *report.link_rows(), *report.mailbox_rows(), *report.curve_rows(),
        *report.part_rows(), *report.note_rows(),
    )  # fmt: skip
    return [row | common for row in rows]


def as_json(report: Report) -> str:
    """The report for scripts: `figures` by name, `links` in the order of the email."""
    content = {
        "schema": SCHEMA,
        "campaign": {"id": report.campaign_id, "name": report.campaign, "state": report.state},
        "as_of": _time(report.as_of),
        "last_event_at": report.last_event_at and _time(report.last_event_at),
        "rule_set": report.rule_set,
        "in_words": in_words(report),
        "notes": report.notes,
        "staff_notes": [{"day": f"{note.day}", "text": note.content} for note in report.staff_notes],
        "figures": _by_name(report.figures),
        "languages": _plain_parts(report.languages),
        "links": [
            {"link": link.number, "text": link.text, "url": link.url, "language": link.language,
             "clicks": _plain(link.clicks), "clickers": _plain(link.clickers)}
            for link in report.links
        ],
        "mailboxes": _plain_parts(report.mailboxes),
        "parts": {
            name: _plain_parts(parts) for name, parts in report.parts.items()
            if name not in (LANGUAGE, MAILBOX_PROVIDER)
        },
        "curve": [
            {"within_seconds": step.seconds, "seen_reading": _plain(step.seen_reading), "clicked": _plain(step.clicked)}
            for step in report.curve
        ],
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False)


def list_as_csv(lines: Sequence[CampaignLine], *, exact: bool) -> str:
    """Return a line for each campaign."""
    rows = (
        _line(line)
        | {"notes": " ".join(line.notes)}
        | {f"{name}_{column}": cell for name, figure in line.figures.items() for column, cell in figure.row().items()}
        for line in lines
    )
    return _csv(LIST_CSV_COLUMNS, rows, exact)


def list_as_json(lines: Sequence[CampaignLine]) -> str:
    """Return the campaigns for scripts, the newest first."""
    campaigns = [_line(line) | {"notes": line.notes, "figures": _by_name(line.figures)} for line in lines]
    return json.dumps({"schema": LIST_SCHEMA, "campaigns": campaigns}, indent=2, ensure_ascii=False)


def comparison_as_csv(comparison: Comparison, *, exact: bool) -> str:
    """Return a line for each campaign; differences are from the first that is old enough."""
    rows = []
    for campaign in _compared(comparison):
        figures, differences = campaign.pop("figures"), campaign.pop("differences")
        cells = {f"{name}_{column}": cell for name, row in figures.items() for column, cell in row.items()}
        for each in differences:
            cells |= {f"{each['figure']}_{column}": each[column] for column in each if column.startswith("difference")}
        rows.append(campaign | cells)
    return _csv(COMPARISON_CSV_COLUMNS, rows, exact)


def comparison_as_json(comparison: Comparison) -> str:
    """Return the comparison for scripts, in the order that was asked for."""
    whole = {
        "schema": COMPARISON_SCHEMA, "age_hours": comparison.age.total_seconds() / 3600, "notes": comparison.notes,
        "campaigns": [*_compared(comparison)],
    }  # fmt: skip
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _compared(comparison: Comparison) -> Iterable[dict[str, Any]]:
    for each in comparison.campaigns:
        cells = (
            COMPARISON_SCHEMA, comparison.age.total_seconds() / 3600, each.campaign_id, each.campaign,
            _time(each.sent_at), each.rule_set, each.opens, each.clicks, each.not_yet,
        )  # fmt: skip
        differences = [
            {"figure": found.figure, "from": found.other_id, "difference": found.rate,
             "difference_low": found.interval[0], "difference_high": found.interval[1], "in_words": found.words}
            for found in comparison.differences if found.campaign_id == each.campaign_id
        ]  # fmt: skip
        yield {**dict(zip(_COMPARED, cells, strict=True)), "figures": _by_name(each.figures),
               "differences": differences}  # fmt: skip


def trend_as_csv(trend: Trend, *, exact: bool) -> str:
    """Return a line for each month."""
    rows = (
        {key: value for key, value in month.items() if key != "rates"}
        | {f"{name}_{column}": cell for name, rate in month["rates"].items() for column, cell in (rate or {}).items()}
        for month in _months(trend)
    )
    return _csv(TREND_CSV_COLUMNS, rows, exact)


def trend_as_json(trend: Trend) -> str:
    """Return the trend for scripts, the oldest month first."""
    whole = {
        "schema": TREND_SCHEMA, "list": trend.list_name, "counted_at": _time(trend.counted_at),
        "unengaged": trend.unengaged, "unengaged_definition": UNENGAGED, "usual": trend.usual,
        "months": [*_months(trend)],
    }  # fmt: skip
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _months(trend: Trend) -> Iterable[dict[str, Any]]:
    for month in trend.months:
        cells = (
            TREND_SCHEMA, trend.list_name, f"{month.first_day:%Y-%m}", month.joined, month.left, month.people,
            month.campaigns, month.left_out,
        )  # fmt: skip
        rates = {
            name: {
                "mails": rate.mails, "of": rate.of, "rate": rate.rate,
                **dict(zip(("rate_low", "rate_high"), rate.interval or (None, None), strict=True)),
            } if rate else None
            for name, rate in month.rates.items()
        }  # fmt: skip
        yield {**dict(zip(_MONTH, cells, strict=True)), "rates": rates}


def _line(line: CampaignLine) -> dict[str, Any]:
    cells = (
        LIST_SCHEMA, line.rule_set, line.campaign_id, line.campaign, line.state, line.list_name, _time(line.sent_at),
        round(line.age.total_seconds() / 3600, 1), _time(line.as_of),
    )  # fmt: skip
    return dict(zip(_OF_LINE, cells, strict=True))


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], exact: bool) -> str:
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(columns)
    lines.writerows([_cell(row.get(column), exact) for column in columns] for row in rows)
    return written.getvalue()


def _cell(cell: Any, exact: bool) -> Any:
    if isinstance(cell, str):
        return cell if exact else guard(cell)
    return round(cell, 6) if isinstance(cell, float) else cell


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _plain_parts(parts: Parts) -> dict[str, Any]:
    return {part: _by_name(figures) for part, figures in parts.items()}


def _by_name(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: _plain(figure) for name, figure in figures.items()}


def _plain(figure: Figure) -> dict[str, Any]:
    row = figure.row()
    return {name: row[name] for name in row if name not in ("figure", "as_of")}
