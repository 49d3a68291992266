"""A report for other programs: JSON, and CSV whose columns have a version."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from daisychain.csv_cells import guard
from reports.figures import SCHEMA, Figure, Report

# The columns of `daisychain.report/1`; a change of names, order or meaning makes it /2.
CSV_COLUMNS = (
    "schema", "campaign_id", "campaign", "as_of", "language", "figure", "standing", "numerator", "denominator", "rate",
    "rate_low", "rate_high", "link", "link_text", "link_url", "source", "definition",
)  # fmt: skip


def as_csv(report: Report, *, exact: bool = False) -> str:
    """All figures and links, one a line; cells that a spreadsheet could run are guarded unless `exact`."""
    frames = [report.frame(), report.language_frame(), report.link_frame()]
    frame = pd.concat([each for each in frames if len(each)], ignore_index=True)
    frame["schema"], frame["campaign_id"], frame["campaign"] = SCHEMA, report.campaign_id, report.campaign
    frame["as_of"] = report.as_of.isoformat(timespec="seconds")
    frame = frame.reindex(columns=list(CSV_COLUMNS)).astype(object)
    # Empty texts, as whole numbers beside nothing would be written as decimals.
    frame = frame.where(frame.notna(), "")
    text: str = frame.map(_exact_cell if exact else _cell).to_csv(index=False, lineterminator="\r\n")
    return text


def _exact_cell(cell: Any) -> Any:
    return round(cell, 6) if isinstance(cell, float) else cell


def _cell(cell: Any) -> Any:
    return guard(cell) if isinstance(cell, str) else _exact_cell(cell)


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
