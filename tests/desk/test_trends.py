"""The trend of a list on the desk: its months in figures and charts, and how a large list's are counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from sqlalchemy import select, text, update

from daisychain.database import Database
from daisychain.jobs import Workers
from lists import kept_figures
from lists.tables import ListFigure
from reports.charts.trend_chart import HEIGHT, trend_charts
from reports.trend import trend
from sender.upkeep import list_counts
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.reports.months import LEAVE, change, months_ago, more, of_last_month, the_list
from tests.sender.returns import Sent

As = Callable[[str], Browser]


@pytest.fixture
def year(database: Database) -> Sent:
    """Five campaigns, each in a month of its own, and one month between them without."""
    first = of_last_month(database)
    for months, clickers in ((2, 6), (3, 7), (5, 6), (6, 5)):
        more(database, first, clickers, months_ago(months))
    change(database, "UPDATE memberships SET joined_at = :at", at=months_ago(7))
    return first


def test_a_list_s_months_are_shown_with_what_is_usual_for_it(year: Sent, database: Database, as_role: As) -> None:
    change(database, LEAVE, id=3, at=months_ago(1))
    analyst, name = as_role("editor"), the_list(database)
    page = words(analyst.get("/desk/reports/trends").text)
    month = months_ago(2).strftime("%b %Y")
    assert f"{name}, month by month" in page
    assert "On the list 11 Joined in 12 months 12 Left in 12 months 1" in page
    assert f"{month} 0 0 12 1 100.0 % 50.0 % 50.0 % 0.0 % 0.0 %" in page
    assert "usual 41.7 % to 50.0 %" in page
    # Eight months since anybody was on the list, and the head.
    assert analyst.get("/desk/reports/trends?months=24").text.count("<tr>") == 9
    file = analyst.get(f"/desk/reports/trends/trend.csv?list={name}&months=24")
    assert file.headers["Content-Type"].startswith("text/csv")
    assert len(file.text.splitlines()) == 25


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize("query", ["list=nobody", "months=7", "months=x"])
def test_what_is_not_there_is_not_found(query: str, as_role: As) -> None:
    assert as_role("editor").get(f"/desk/reports/trends?{query}").status_code == 404


def test_without_a_list_the_page_says_what_comes(as_role: As) -> None:
    assert "There is no list yet" in as_role("analyst").get("/desk/reports/trends").text


def test_an_analyst_sees_no_number_of_fewer_than_five(year: Sent, database: Database, as_role: As) -> None:
    change(database, LEAVE, id=3, at=months_ago(1))
    page = words(as_role("analyst").get("/desk/reports/trends").text)
    assert "Left in 12 months hidden" in page
    assert f"{months_ago(1).strftime('%b %Y')} hidden hidden 10" in page
    assert "Numbers of fewer than five people are hidden, and people at a month’s end rounded to fives" in page


def test_a_chart_has_a_point_for_each_month_and_lines_between_neighbours_only(year: Sent, database: Database) -> None:
    with database.engine.connect() as connection:
        charts = {each.name: each for each in trend_charts(trend(connection, the_list(database)))}
    clicked = charts["clicked"]
    assert len(clicked.points) == 5
    assert [len(line.split()) for line in clicked.lines] == [2, 3]
    assert clicked.top == 1.0
    heights = [round((HEIGHT - y) / HEIGHT * 12) for _, y, _, _ in clicked.points]
    assert heights == [5, 6, 7, 6, 0]
    assert all(high <= y <= low for _, y, low, high in clicked.points)
    assert clicked.usual is not None
    assert charts["complained"].top < 0.5
    assert "seen_reading" in charts


def test_rates_of_a_large_list_are_counted_by_a_worker_and_kept_for_an_hour(
    year: Sent, database: Database, as_role: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_figures, "LARGE", 3)
    editor = as_role("editor")
    assert "are being counted" in editor.get("/desk/reports/trends").text
    with Workers(database, queues=[list_counts.QUEUE], until_idle=True) as workers:
        workers.wait()
    page = words(editor.get("/desk/reports/trends").text)
    assert "On the list 12" in page
    with database.engine.begin() as connection:
        connection.execute(update(ListFigure).values(counted_at=ListFigure.counted_at - timedelta(minutes=2)))
    editor.get("/desk/reports/trends")
    with database.engine.connect() as connection:
        asked = select(ListFigure.name).where(ListFigure.asked_at.is_not(None))
        assert {name.split('"')[1] for name in connection.scalars(asked)} == {"growth", "unengaged"}
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE list_figures SET counted_at = counted_at - interval '1 hour', asked_at = NULL"))
    editor.get("/desk/reports/trends")
    with database.engine.connect() as connection:
        assert {name.split('"')[1] for name in connection.scalars(asked)} == {"growth", "unengaged", "rates"}


@pytest.mark.usefixtures("chromium", "year")
@pytest.mark.parametrize("width", [375, 1280])
def test_the_charts_are_fit_for_everybody(opened_as: Callable[..., Page], url: str, width: int) -> None:
    page = opened_as("analyst")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{url}/desk/reports/trends")
    assert page.locator("svg.trend").count() == 5
    assert broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page) == []
