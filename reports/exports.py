"""A report for other programs: JSON, and CSV whose columns have a version."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from daisychain.csv_cells import guard
from reports.figures import SCHEMA, Figure, Report

# The columns of `daisychain.report/1`; a change of names, order or meaning makes it /2.
CSV_COLUMNS = (
    "schema", "campaign_id", "campaign", "as_of", "language", "figure", "standing", "numerator", "denominator", "rate",
    "rate_low", "rate_high", "link", "link_text", "link_url", "source", "definition",
)  # fmt: skip


def as_csv(report: Report, *, exact: bool = False) -> str:
    """All figures and links, one a line; cells that a spreadsheet could run are guarded unless `exact`."""
    common = {
        "schema": SCHEMA,
        "campaign_id": report.campaign_id,
        "campaign": report.campaign,
        "as_of": report.as_of.isoformat(timespec="seconds"),
    }
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(CSV_COLUMNS)
    for row in (*report.rows(), *report.language_rows(), *report.link_rows()):
        cells = row | common
        lines.writerow(_cell(cells.get(column), exact) for column in CSV_COLUMNS)
    return written.getvalue()


def _cell(cell: Any, exact: bool) -> Any:
    if isinstance(cell, str):
        return cell if exact else guard(cell)
    return round(cell, 6) if isinstance(cell, float) else cell


def as_json(report: Report) -> str:
    """The report for scripts: `figures` by name, `links` in the order of the email."""
    content = {
        "schema": SCHEMA,
        "campaign": {"id": report.campaign_id, "name": report.campaign, "state": report.state},
        "as_of": report.as_of.isoformat(timespec="seconds"),
        "figures": {name: _plain(figure) for name, figure in report.figures.items()},
        "languages": {
            language: {name: _plain(figure) for name, figure in figures.items()}
            for language, figures in report.languages.items()
        },
        "links": [
            {
                "link": link.number,
                "text": link.text,
                "url": link.url,
                "language": link.language,
                "clicks": _plain(link.clicks),
                "clickers": _plain(link.clickers),
            }
            for link in report.links
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _plain(figure: Figure) -> dict[str, Any]:
    row = figure.row()
    return {name: row[name] for name in row if name not in ("figure", "as_of")}
