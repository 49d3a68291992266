"""A report as people and programs get it: tables with footnotes, JSON, and CSV whose columns have a version."""

from __future__ import annotations

import json
from typing import Any

import click
import pandas as pd

from daisychain.cells import guard
from daisychain.clock import told
from daisychain.console import show_table
from reports.figures import SCHEMA, Figure, Report

# The columns of `daisychain.report/1`; a change of names, order or meaning makes it /2.
CSV_COLUMNS = (
    "schema", "campaign_id", "campaign", "as_of", "language", "figure", "standing", "numerator", "denominator", "rate",
    "rate_low", "rate_high", "link", "link_text", "link_url", "source", "definition",
)  # fmt: skip


# What the table of languages shows; files have every figure of each.
OF_LANGUAGES = ("accepted", "delivered", "opened_human", "clicked", "unsubscribed")


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


def show_tables(report: Report) -> None:
    """The report for people: figures, links, and the definitions as footnotes."""
    when = told(report.as_of)
    notes: dict[str, int] = {}
    rows = [(*_cells(figure), figure.source, f"[{_note(notes, figure)}]") for figure in report.figures.values()]
    show_table(
        ["", "people", "of", "rate", "95 % interval", "source", "note"],
        rows,
        title=f"Campaign {report.campaign_id}: {report.campaign} ({report.state}), as of {when}",
    )
    if report.languages:
        shown = [report[name] for name in OF_LANGUAGES]
        show_table(
            ["language", "people", *(f"{figure.label} [{_note(notes, figure)}]" for figure in shown)],
            [
                (language, _count(figures["intended"]), *(_of(figures[name]) for name in OF_LANGUAGES))
                for language, figures in report.languages.items()
            ],
        )
    if report.links:
        show_table(
            ["link", "text", "leads to", "clicks", "people", "of", "rate", "95 % interval", "note"],
            [
                (
                    "" if link.number is None else str(link.number),
                    f"{link.text} ({link.language})" if link.language else link.text,
                    link.url,
                    _count(link.clicks),
                    *_cells(link.clickers)[1:],
                    f"[{_note(notes, link.clickers)}]",
                )
                for link in report.links
            ],
        )
    for definition, number in notes.items():
        click.echo(f"[{number}] {definition}")


def _note(notes: dict[str, int], figure: Figure) -> int:
    return notes.setdefault(figure.definition, len(notes) + 1)


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    interval = figure.interval
    return (
        figure.label,
        _count(figure),
        "" if figure.denominator is None else f"{figure.denominator:,}",
        "" if figure.rate is None else _percent(figure.rate),
        "" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}",
    )


def _of(figure: Figure) -> str:
    rate = "" if figure.rate is None else f" ({_percent(figure.rate)})"
    return _count(figure) if figure.numerator is None else f"{figure.numerator:,} of {figure.denominator:,}{rate}"


def _count(figure: Figure) -> str:
    return figure.standing if figure.numerator is None else f"{figure.numerator:,}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _plain(figure: Figure) -> dict[str, Any]:
    row = figure.row()
    return {name: row[name] for name in row if name not in ("figure", "as_of")}
