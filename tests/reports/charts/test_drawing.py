"""Charts are drawn once for each state of the figures, follow light and dark screens, or say why there is none."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import delete, func, select, update

from daisychain.database import Database
from reports.charts import drawing
from reports.charts.chart import WIDTHS
from reports.charts.chart_theme import DARK
from reports.charts.drawing import CHARTS, chart_named, charts_of, drawn, png, svg
from reports.report import Report
from reports.tables import KeptChart
from reports.whole_report import whole_report
from sender.tables import Delivery
from tests.reports.campaigns import over_days
from tests.sender.returns import sent


@pytest.fixture
def report(database: Database) -> Report:
    return whole_report(database.engine, over_days(database).campaign_id)


def test_every_chart_is_drawn_in_the_width_asked_for_without_script_or_anything_from_elsewhere(report: Report) -> None:
    for chart in charts_of(report):
        for width in WIDTHS.values():
            drawing_ = svg(chart, width)
            box = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing_)
            assert box, chart.name
            assert abs(int(box[1]) - width) <= 12, chart.name
            assert not re.search(r"<script|href=|url\(|@import", drawing_), chart.name
            assert len(drawing_) < 25_000, chart.name


def test_each_light_colour_has_a_dark_one(report: Report) -> None:
    for chart in charts_of(report):
        used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg(chart, 640)))
        assert used <= DARK.keys(), chart.name
    assert len(set(DARK)) == len(DARK)


def test_a_table_has_all_that_a_chart_shows(report: Report) -> None:
    charts = {chart.name: chart for chart in charts_of(report)}
    assert list(charts) == list(CHARTS)
    for row in charts["links"].rows:
        assert any(str(row["people"]) in line[-1] for line in charts["links"].table)
    for row in charts["ledger"].rows:
        assert str(row["people"]) in {line[1] for line in charts["ledger"].table}
    assert sum(row["people"] for row in charts["ledger"].rows) == report["intended"].numerator
    assert len(charts["curve"].table) == len(report.curve)
    assert [line[0] for line in charts["mailboxes"].table] == ["Google", "Microsoft", "all others"]


def test_a_chart_is_drawn_once_for_each_state(
    report: Report, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = chart_named(report, "ledger")
    assert chart
    first = drawn(database.engine, report, chart, "wide")
    monkeypatch.setattr(drawing, "svg", lambda *_: "drawn again")
    assert drawn(database.engine, report, chart, "wide") == first
    assert drawn(database.engine, report, chart, "narrow") == b"drawn again"
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).where(Delivery.id == 1).values(state="failed"))
        assert connection.scalar(select(func.count()).select_from(KeptChart)) == 2
        connection.execute(delete(KeptChart))
    assert drawn(database.engine, report, chart, "wide") == b"drawn again"


def test_a_png_for_mails_has_all_charts_below_each_other(report: Report) -> None:
    picture = Image.open(BytesIO(png(charts_of(report))))
    assert picture.format == "PNG"
    assert picture.width > 2 * WIDTHS["wide"]
    assert picture.height > picture.width


@pytest.mark.parametrize("tracking", [{"opens": "off", "clicks": "off"}, {"opens": "provider", "clicks": "provider"}])
def test_a_campaign_of_which_nothing_is_known_has_words_instead_of_charts(
    database: Database, tracking: dict[str, str]
) -> None:
    report = whole_report(database.engine, sent(database, 10, **tracking).campaign_id)  # type: ignore[arg-type]
    charts = {chart.name: chart for chart in charts_of(report)}
    assert all(charts[name].missing for name in ("curve", "mailboxes", "links"))
    assert chart_named(report, "curve") is None
    assert chart_named(report, "no such") is None
    assert [row["people"] for row in charts["ledger"].rows] == [10]


def test_the_bar_of_the_ledger_balances_also_if_parts_are_hidden(database: Database) -> None:
    report = whole_report(database.engine, over_days(database, people=(40, 3)).campaign_id, small_cells=False)
    chart = chart_named(report, "ledger")
    assert chart
    assert sum(row["people"] for row in chart.rows) == report["intended"].numerator
