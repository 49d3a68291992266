"""Toolkits in a real browser: every page on phone and desktop, light and dark; the live preview; and without script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daisychain.database import Database
from newsletters.toolkit_drafts.file_fields import WORDS, about_fields, copy_fields
from newsletters.toolkit_drafts.working_copy import save_fields
from newsletters.toolkit_store.store import add_toolkit
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.newsletters.sample_toolkits import SHEET, files, folder, picture

pytestmark = [pytest.mark.usefixtures("chromium"), pytest.mark.processes]

KIT = "/desk/toolkits/spring-fair"
VIEWS = [(375, "dark"), (1280, "light")]


@pytest.fixture
def kit(database: Database, tmp_path: Path) -> Database:
    """A toolkit with a draft that somebody has to approve, and a folder that was added meanwhile."""
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
        save_fields(connection, "spring-fair", 1, about_fields(), {"approval": "second person"}, who="Ann")
        save_fields(connection, "spring-fair", 2, copy_fields("copy/welcome.md"), {WORDS: "Come *all*."}, who="Ann")
    return database


@pytest.mark.usefixtures("scripts")
def test_everybody_can_use_every_page_of_a_toolkit(
    opened_as: Callable[..., Page], url: str, kit: Database, tmp_path: Path
) -> None:
    page, found = opened_as("admin"), {}

    def look(name: str) -> None:
        for width, scheme in VIEWS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found[name, width, scheme] = broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page)

    for path in ("/desk/toolkits", "/desk/toolkits/_/new", KIT, f"{KIT}/copy/welcome", f"{KIT}/copy/_/new",
                 f"{KIT}/pictures", f"{KIT}/brand", f"{KIT}/campaign", f"{KIT}/publish", f"{KIT}/versions",
                 f"{KIT}/versions/2"):  # fmt: skip
        page.goto(f"{url}{path}")
        for each in page.locator("details:not(.small-menu) > summary").all():
            each.evaluate("each => each.parentElement.open = true")
        look(path)
    with kit.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", "Two fairs"))))
    page.goto(f"{url}{KIT}/brand")
    page.get_by_text("All eight colours").click()
    page.get_by_label("Text", exact=True).fill("#dddddd")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Take #")).to_be_visible()
    look("a colour that can't be read")
    assert not {name: rules for name, rules in found.items() if rules}


@pytest.mark.usefixtures("scripts", "kit")
def test_the_preview_follows_what_is_typed(opened_as: Callable[..., Page], url: str) -> None:
    page = opened_as("editor")
    page.goto(f"{url}{KIT}/copy/welcome")
    mail = page.frame_locator("iframe.mail:not(.spare)")
    page.locator("#words").fill("Come to the **tallest** tent.")
    expect(mail.get_by_text("tallest")).to_be_visible()
    page.get_by_label("As it is in").select_option("social")
    expect(page.locator(".inbox .meta")).to_contain_text("characters")
    page.locator("#words").fill("Hello {{ member.first_name")
    expect(page.locator("dc-preview .notice")).to_be_visible()
    page.goto(f"{url}{KIT}/brand")
    page.get_by_label("Main colour").fill("#884400")
    expect(page.frame_locator("iframe.mail:not(.spare)").locator("body")).to_be_visible()


@pytest.mark.usefixtures("database")
def test_a_toolkit_is_begun_edited_and_published_without_script(
    opened_as: Callable[..., Page], url: str, tmp_path: Path
) -> None:
    (tmp_path / "tent.png").write_bytes(picture())
    page = opened_as("editor", 375, scripts=False)
    page.goto(f"{url}/desk/toolkits")
    page.get_by_role("link", name="New toolkit").click()
    page.get_by_label("Name of the campaign").fill("Winter Fair")
    page.get_by_label("A picture for the top").set_input_files(tmp_path / "tent.png")
    page.get_by_label("What the picture shows").fill("A tent.")
    page.get_by_label("The text").fill("Come.\n\nWelcome\n\nHello all.\n\nFacebook\n\nNow!")
    page.get_by_role("button", name="Begin this toolkit").click()
    page.get_by_role("link", name="Welcome").click()
    page.locator("#words").fill("Hello *everybody*.")
    page.get_by_label("Approved by").fill("A. Trustee")
    page.get_by_role("button", name="Save").click()
    expect(page.frame_locator("iframe.mail").get_by_text("everybody")).to_be_visible()
    page.get_by_role("link", name="Publish…").click()
    page.get_by_role("button", name="Publish 4 changes").click()
    expect(page.get_by_text("Published.")).to_be_visible()
