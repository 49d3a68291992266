"""A report of 100,000 people, for a page, as HTML and as Excel, first and when it is kept; and the list of 500."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine, text

from benchmarks import classification
from benchmarks.sink import accepting
from benchmarks.stage import Figure, house, written
from reports.charts.drawing import charts_of, drawn
from reports.document.file_formats import FORMATS
from reports.report import Report
from reports.report_list import campaign_lines
from reports.whole_report import whole_report
from sender.events.classify import classify_campaign

PEOPLE = 100_000
ROWS, CAMPAIGNS = 100_000, 500


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once."""
    with (
        accepting() as host,
        house("report_files", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        campaign_id = classification.stage(database, people)
        classify_campaign(database, campaign_id)
        engine = database.engine
        found = [_timed("report, counted for the first time", people, lambda: whole_report(engine, campaign_id), "")]
        report = whole_report(engine, campaign_id)
        found += [
            _timed("HTML, charts and mail drawn for the first time", 1,
                   lambda: FORMATS["html"].make(engine, report), "5 s"),
            _timed("HTML, when they are kept", 1, lambda: FORMATS["html"].make(engine, report), "5 s"),
            _timed("report for a page, when it is kept", 1,
                   lambda: whole_report(engine, campaign_id, wait=False), "0.1 s"),
            _timed("charts of a page, when they are kept", 1, lambda: [
                drawn(engine, report, chart, "wide") for chart in charts_of(report) if not chart.missing], ""),
            _timed("Excel", 1, lambda: FORMATS["xlsx"].make(engine, report), "10 s"),
        ]  # fmt: skip
        large = _with_rows(report, ROWS)
        found.append(_timed("Excel, rows", ROWS, lambda: FORMATS["xlsx"].make(engine, large), "10 s"))
        _repeat(engine, campaign_id)
        with engine.connect() as connection:
            found.append(_timed("report list, campaigns", CAMPAIGNS, lambda: campaign_lines(connection, CAMPAIGNS),
                                "0.5 s"))  # fmt: skip
    written("report_files", found)
    return found


def _with_rows(report: Report, rows: int) -> Report:
    """Return the report with a dimension of so many rows."""
    figures = next(iter(report.mailboxes.values()))
    parts = {f"place {number}": figures for number in range(rows // len(figures))}
    return replace(report, parts={"place": parts})


def _repeat(engine: Engine, campaign_id: int) -> None:
    """Write down more campaigns with the same sums."""
    own = {"campaigns": "id", "ledger_moves": "id, campaign_id", "facts_rollups": "campaign_id",
           "hour_rollups": "campaign_id", "campaign_intake": "campaign_id"}  # fmt: skip
    with engine.begin() as connection:
        for table, replaced in own.items():
            columns = connection.scalar(text(
                "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
                "WHERE table_name = :table AND column_name <> ALL (string_to_array(:replaced, ', '))"
            ), {"table": table, "replaced": replaced})  # fmt: skip
            key = "id" if table == "campaigns" else "campaign_id"
            always = " OVERRIDING SYSTEM VALUE" if table == "campaigns" else ""
            connection.execute(text(
                f"INSERT INTO {table} ({key}, {columns}){always} SELECT 1000 + number, {columns} "  # noqa: S608 - ours
                f"FROM {table}, generate_series(1, {CAMPAIGNS - 1}) AS number WHERE {key} = :campaign"
            ), {"campaign": campaign_id})  # fmt: skip


def _timed(step: str, amount: int, do: Callable[[], object], to_reach: str) -> Figure:
    began = time.perf_counter()
    do()
    return Figure(step, amount, time.perf_counter() - began, to_reach)
