"""Acceptance: a file in twenty slices over a line that breaks, from the list's page to the import that is undone.

In `make test` its slices are small; in `make soak` it has 20 MB.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select

from daisychain.database import Database
from daisychain.jobs import Workers
from desk.imports import import_files
from lists.lists import create_list
from lists.tables import Member
from lists.uploads import upload_slices
from sender.upkeep import import_jobs, list_counts
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.test_in_a_browser import VIEWS
from tests.waiting import until

# Of the requests with a slice, these never arrive, and that one is under way for as long as the browser is open.
BROKEN, HELD = (3, 12), 10

pytestmark = [pytest.mark.usefixtures("chromium", "scripts"), pytest.mark.processes]


@pytest.fixture(params=[1 << 16, pytest.param(upload_slices.SLICE, marks=pytest.mark.slow)], ids=["small", "20-mb"])
def slice_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How large a slice is here."""
    for module in (upload_slices, import_files):
        monkeypatch.setattr(module, "SLICE", request.param)
    return int(request.param)


@pytest.fixture
def rows(slice_size: int) -> int:
    """How many people are in the file."""
    return 330_000 * slice_size // 2**20


@pytest.fixture
def large(tmp_path: Path, slice_size: int, rows: int) -> Path:
    """A CSV of more than twenty slices, with some rows that can't be used."""
    path = tmp_path / "people of may.csv"
    with path.open("w") as file:
        file.write("E-mail;Forename;Post code;Notes\n")
        for number in range(rows):
            file.write(f"supporter-{number:07}@people.example;Ann {number};BA{number % 90};came to the meeting\n")
        file.write("ann@@gmail.com;Ann;BA1;\n" * 3)
    assert path.stat().st_size > 20 * slice_size
    return path


@pytest.fixture
def at_work(database: Database) -> Iterator[None]:
    with database.engine.begin() as connection:
        create_list(connection, "supporters", sender="Friends <news@friends.example>", title="Supporters")
    with Workers(database, queues=[import_jobs.QUEUE, list_counts.QUEUE]):
        yield


def looked_at(page: Page) -> None:
    """Hold this page to what every page is held to, on a phone and a desk."""
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert not broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page), (page.url, width, scheme)


@pytest.mark.usefixtures("at_work")
def test_a_large_file_over_a_broken_line_is_uploaded_mapped_checked_imported_and_undone(
    opened_as: Callable[..., Page], url: str, database: Database, large: Path, slice_size: int, rows: int
) -> None:
    page = opened_as("sender")
    slices: list[str] = []

    def broken_line(route: Route) -> None:
        if route.request.method != "PUT":
            return route.continue_()
        slices.append(route.request.url.rsplit("/", 1)[1])
        if len(slices) == HELD:
            return None
        return route.abort("connectionreset") if len(slices) in BROKEN else route.continue_()

    page.route(re.compile(r"/desk/uploads"), broken_line)
    page.goto(f"{url}/desk/lists/supporters")
    with page.expect_navigation():
        page.get_by_role("link", name="Bring people onto it").click()
    looked_at(page)
    page.get_by_label("A file of people").set_input_files(large)
    page.get_by_role("button", name="Look at it").click()
    # The browser is closed in the middle; the same file goes on where it was.
    expect(page.locator(".sending")).to_contain_text(re.compile(r": [34]\d %"))
    until(lambda: page.wait_for_timeout(20) or len(slices) == HELD)  # Playwright calls us while it waits
    page.goto(f"{url}/desk/")
    page.goto(f"{url}/desk/uploads/for/supporters")
    page.get_by_label("A file of people").set_input_files(large)
    page.get_by_role("button", name="Look at it").click()

    page.wait_for_url(re.compile(r"/desk/imports/\d+"))
    count = -(-large.stat().st_size // slice_size)
    assert int(slices[HELD]) == HELD - 2  # the first that has not arrived
    assert len(slices) == count + len(BROKEN) + 1
    assert {*map(int, slices)} == {*range(count)}

    expect(page.get_by_role("heading", name="What is in the columns?")).to_be_visible()
    expect(page.locator("main")).to_contain_text(f"{rows + 3:,} rows · semicolons between cells")
    looked_at(page)
    page.get_by_label("Notes", exact=True).select_option("Leave it out")
    with page.expect_navigation():
        page.get_by_role("button", name="Go on to consent").click()
    looked_at(page)
    page.get_by_text("They agreed", exact=True).click()
    page.get_by_label("Where is that recorded?").fill("join form, May 2026")
    page.get_by_role("button", name="Check what it would do").click()
    expect(page.get_by_role("heading", name="What it would do", exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text("3 not an address")
    looked_at(page)
    page.goto(f"{url}/desk/")
    page.get_by_role("link", name="people of may.csv").click()
    page.get_by_role("button", name=f"Bring {rows:,} people onto “Supporters”").click()
    expect(page.get_by_role("heading", name=f"{rows:,} people are new on “Supporters”")).to_be_visible()
    looked_at(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these rows").click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("ann@@gmail.com") == 3
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("heading", name="Supporters", exact=True)).to_be_visible()  # once a worker has counted
    looked_at(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("heading", name="Taken back")).to_be_visible()
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Member)) == 0
