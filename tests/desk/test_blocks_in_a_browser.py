"""The blocks view as people use it: by keyboard alone, by drag, on a phone, without script."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from daisychain.database import Database
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import SavedNewsletter, create, load
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.test_blocks import TEXT

pytestmark = [pytest.mark.usefixtures("chromium"), pytest.mark.processes]
scripted = pytest.mark.usefixtures("scripts")


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def editor(opened_as: Callable[..., Page], url: str, may: SavedNewsletter) -> Callable[..., Page]:
    """Opens the blocks view: `editor(375, "dark")`."""

    def open_editor(*view: object, **options: object) -> Page:
        page = opened_as("editor", *view, **options)
        page.goto(f"{url}/desk/newsletters/{may.id}/blocks")
        return page

    return open_editor


def text_of(database: Database, newsletter: SavedNewsletter) -> str:
    with database.engine.connect() as connection:
        return load(connection, newsletter.id).contents.texts[""]


def names(page: Page) -> list[str]:
    return [
        each.replace("\n", " ")
        for each in page.locator("[data-list=''] > li > .panel > .piece-head h2").all_inner_texts()
    ]


def test_a_newsletter_is_changed_by_keyboard_alone(
    editor: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = editor()
    page.get_by_role("button", name="Move Button down").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Button moved before Text, 3 of 5.")
    expect(page.locator("#down-3")).to_be_focused()
    expect(page.locator("#undo-what")).to_have_text("Button moved before Text, 3 of 5")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Button moved before Only for people with a first name, 2 of 5.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    into = page.get_by_role("button", name="3 Only for people with a first name, they see: at the end")
    expect(page.locator(":focus")).to_have_text("Delete")
    into.press("Enter")
    expect(page.locator(".said")).to_contain_text("Button moved to the end, 2 of 2.")
    page.locator(".said").get_by_role("button", name="Undo").press("Enter")
    page.wait_for_url("**/blocks")
    page.locator("#edit-1").press("Enter")
    page.get_by_label("Text", exact=True).first.press_sequentially("First. ")
    page.locator("button[value='save 1']").press("Enter")
    expect(page.locator(".said")).to_contain_text("Text changed.")
    assert "First. " in text_of(database, may)
    expect(page.locator("#edit-1")).to_be_focused()


@scripted
def test_a_piece_that_is_closed_shows_the_words_that_were_saved(editor: Callable[..., Page]) -> None:
    page = editor()
    row = page.locator("#edit-1")
    row.click()
    page.get_by_label("Text", exact=True).first.press_sequentially("First. ")
    row.click()
    expect(row).to_contain_text("First.")


@scripted
def test_a_piece_is_dragged_to_another_place_and_into_a_condition(editor: Callable[..., Page]) -> None:
    page = editor()
    page.locator("#edit-3").click()

    def drag(at: str, over: str) -> None:
        grip = page.locator(f"[data-at='{at}'] > .panel > .piece-head .grip")
        grip.scroll_into_view_if_needed()
        goal = page.locator(f"[data-at='{over}'] > .panel").bounding_box()
        assert goal is not None
        grip.hover()
        page.mouse.down()
        page.mouse.move(goal["x"] + 40, goal["y"] + goal["height"] / 2, steps=20)
        page.mouse.move(goal["x"] + 40, goal["y"] + goal["height"] - 6, steps=20)
        page.mouse.up()

    drag("1", "2")
    expect(page.locator(".said")).to_contain_text("Text moved before Only for people")
    assert names(page)[1:3] == ["1 Button", "2 Text"]
    expect(page.locator("#pick-2")).to_be_focused()
    expect(page.locator("#said")).to_have_text(re.compile("^Text moved before"))


@scripted
def test_a_chosen_picture_is_uploaded_and_one_that_is_broken_says_so_beside_its_field(
    editor: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = editor(375)
    page.get_by_role("button", name="Add at the end").click()
    page.get_by_label("What the new picture shows").fill("A stall")
    page.locator("[name='new:file']").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no"})
    expect(page.get_by_role("alert")).to_contain_text("is not a whole PNG, JPEG, GIF or WebP")
    expect(page.get_by_label("What the new picture shows")).to_have_value("A stall")
    file = io.BytesIO()
    Image.new("RGB", (64, 32), "teal").save(file, "PNG")
    page.locator("[name='new:file']").set_input_files(
        {"name": "Fête.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(page.locator(".said")).to_contain_text("Image added.")
    assert '::: image "fete.png" alt="A stall"' in text_of(database, may)


@scripted
def test_signs_of_markdown_are_written_by_buttons(
    editor: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = editor()
    page.locator("#edit-1").click()
    field = page.get_by_label("Text", exact=True).first
    field.select_text()
    page.get_by_role("button", name="Bold").first.click()
    expect(field).to_have_value("**One**")
    page.locator("button[value='save 1']").click()
    expect(page.locator(".said")).to_contain_text("Text changed.")
    assert "**One**\n\n::: button" in text_of(database, may)


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1280, "light")])
def test_everybody_can_use_it_closed_open_and_while_adding(
    editor: Callable[..., Page], width: int, scheme: str
) -> None:
    page = editor(width, scheme)
    here = page.url
    for asked in ("", "?add=2", "?add=5.items.1", "?move=2", "?at=5.items.0&did=save"):
        page.goto(here + asked)
        page.evaluate("document.querySelectorAll('details.edit').forEach(each => each.open = true)")
        assert not broken_rules(page), asked
        assert not scrolls_sideways(page), asked


def test_without_script_pieces_are_added_and_moved(
    editor: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = editor(375, scripts=False)
    page.get_by_role("button", name="Add before Button").click()
    page.get_by_role("button", name="Quote").click()
    expect(page.locator(".said")).to_contain_text("Quote added.")
    page.get_by_role("button", name="Move Quote down").click()
    expect(page.locator(".said")).to_contain_text("Quote moved")
    assert names(page)[1:4] == ["1 Text", "2 Button", "3 Quote"]
    assert "::: quote\n[Add your text]\n:::" in text_of(database, may)
