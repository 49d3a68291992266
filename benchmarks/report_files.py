"""A report of 100,000 people, for a page, as HTML and as Excel; for the first time, and when it is kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import classification
from benchmarks.sink import accepting
from benchmarks.stage import Figure, house, written
from reports.charts.drawing import charts_of, drawn
from reports.document.file_formats import FORMATS
from reports.whole_report import whole_report
from sender.events.classify import classify_campaign

PEOPLE = 100_000


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
    written("report_files", found)
    return found


def _timed(step: str, amount: int, do: Callable[[], object], to_reach: str) -> Figure:
    began = time.perf_counter()
    do()
    return Figure(step, amount, time.perf_counter() - began, to_reach)
