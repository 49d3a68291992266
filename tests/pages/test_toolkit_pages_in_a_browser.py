"""A toolkit's pages in a real browser: on a phone and a desk, light and dark, in languages of both directions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daisychain.database import Database
from newsletters.packs.offers import offer
from newsletters.toolkit_store.store import add_toolkit
from tests.desk.chromium import broken_rules, running_chromium, scrolls_sideways, served
from tests.newsletters.packs.packing import edition
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder, picture
from tests.public_pages import public_app

pytestmark = [pytest.mark.usefixtures("chromium", "scripts"), pytest.mark.processes]
FAIR = "/toolkits/spring-fair"
PAGES = ("", "?language=ur", "/emails", "/emails?language=ur", "/website", "/website?language=ur")
SCREENS = {"phone": (375, 667), "desk": (1280, 800)}
SUMMARY = "A fair in every town, for all who live there and for those who only pass through. " * 4


@contextmanager
def opened(database: Database, path: Path) -> Iterator[tuple[Page, str]]:
    """A toolkit with long words, a contact, dates, two languages and an offered email; and a browser's page."""
    sheet = SHEET.replace("A fair in every town.", SUMMARY.strip()).replace("tent:", "hero:", 1)
    sheet += "contact: hello@fairs-of-the-whole-county-and-beyond.example\ndates:\n  from: 2026-05-04\n"
    urdu = BLOCK.replace("id: welcome", "id: welcome.ur").replace("Come to the *fair*.", "میلے میں *آئیے*۔ 12:30")
    unbroken = BLOCK.replace("id: welcome", "id: long").replace("fair", "Llanfair" * 20).replace("short", "long")
    unbroken = unbroken.replace("title: Welcome", "title: Long words")
    kit = {**files(sheet, welcome=BLOCK, urdu=urdu, long=unbroken), "images/tent.png": picture(1600, 900)}
    with database.engine.begin() as connection:
        toolkit, _ = add_toolkit(connection, folder(path / "kit", kit))
        first = edition("Hello.\n\n::: copy welcome\n", toolkit=toolkit)
        offer(connection, first, first)
    with served(public_app(database)) as url, running_chromium() as chromium:
        context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
        yield context.new_page(), url
        assert not context.cookies()
        context.close()


def test_every_page_fits_its_screen_and_axe_finds_nothing_light_and_dark(database: Database, tmp_path: Path) -> None:
    wrong: list[str] = []
    with opened(database, tmp_path) as (page, url):
        for path in PAGES:
            page.goto(url + FAIR + path)
            for name, (width, height) in SCREENS.items():
                page.set_viewport_size({"width": width, "height": height})
                wrong += [f"{path} {name}: sideways"] if scrolls_sideways(page) else []
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    wrong += [f"{path} {name} {scheme}: {rule}" for rule in broken_rules(page)]
                if path in ("", "?language=ur"):
                    boxes = [door.bounding_box() for door in page.locator(".door").all()]
                    wrong += [f"{path} {name}: {box}" for box in boxes if not box or box["y"] + box["height"] > height]
    assert not wrong


def test_a_text_is_copied_with_one_press_and_that_is_said(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as (page, url):
        page.goto(f"{url}{FAIR}/website?language=ur")
        page.get_by_role("button", name="Copy the code of Welcome").click()
        expect(page.get_by_role("status")).to_have_text("Copied")
        code = page.evaluate("navigator.clipboard.readText()")
        assert code.startswith('<section lang="ur" dir="rtl">\n')
        assert "<em>آئیے</em>" in code
        page.goto(f"{url}{FAIR}/emails?language=ur")
        page.get_by_role("button", name="Copy Welcome").first.click()
        expect(page.get_by_role("status")).to_have_text("Copied")
        assert "میلے میں آئیے" in page.evaluate("navigator.clipboard.readText()")
