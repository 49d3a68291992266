"""A volunteer's whole way in a real browser: an email in their own brand, for three tools, at two widths."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from daisychain.database import Database
from newsletters.browser.browser import chromium
from tests.desk.chromium import RUN, running_chromium, served
from tests.pages.test_make_it_yours import PAGE, logo, put_up, shelve
from tests.public_pages import public_app

pytestmark = pytest.mark.skipif(not chromium(), reason="there is no Chromium")


@pytest.fixture
def address(database: Database, tmp_path: Path) -> Iterator[str]:
    shelve(database, tmp_path)
    put_up(database, tmp_path)
    with served(public_app(database)) as address:
        yield address + PAGE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as running:
        yield running


def faults(page: Page) -> list[str]:
    """What axe finds wrong."""
    from newsletters.browser import axe

    page.evaluate(axe._engine())
    found: list[str] = page.evaluate(RUN)
    return found


def inside(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


@pytest.mark.parametrize("width", [375, 1280])
def test_a_volunteer_makes_an_email_their_own_and_takes_it_for_three_tools(
    browser: Browser, address: str, tmp_path: Path, width: int
) -> None:
    (tmp_path / "logo.png").write_bytes(logo())
    context = browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(address)
    email = page.frame_locator("iframe:not(.spare)")
    page.get_by_label("Your organisation’s name").fill("Bees of Bath")
    expect(email.get_by_text("Bees of Bath").first).to_be_visible()
    page.get_by_label("Logo").set_input_files(tmp_path / "logo.png")
    expect(email.get_by_alt_text("Bees of Bath")).to_be_visible()
    (tmp_path / "photo.png").write_bytes(logo() + b"\0" * (17 * 1024**2))
    page.get_by_label("Logo").set_input_files(tmp_path / "photo.png")
    expect(page.locator("#logo-live-message")).to_contain_text("larger than 16 MB")
    expect(page.get_by_label("Logo")).to_have_value("")
    page.locator("#accent").fill("#ffcc00")
    expect(page.locator("#accent-live")).to_contain_text("can’t be read on white")
    page.get_by_label("Postal address").fill("2 Hive Lane, Bath")
    for key, button, file in (
        ("mailchimp", "Download for Mailchimp", "bees-of-bath-mailchimp/mailchimp.zip"),
        ("brevo", "Download for Brevo", "bees-of-bath-brevo/email.html"),
        ("outlook", "Download a draft", "bees-of-bath-outlook/draft.eml"),
    ):
        page.locator(f"label.pill[for=tool-{key}]").click()
        expect(page.get_by_role("button", name=button)).to_be_in_viewport()
        with page.expect_download() as taken:
            page.get_by_role("button", name=button).click()
        assert file in inside(taken.value.path().read_bytes())
    page.get_by_role("button", name="Copy for Gmail or Outlook").click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    kinds = "() => navigator.clipboard.read().then(([item]) => [...item.types].sort())"
    assert page.evaluate(kinds) == ["text/html", "text/plain"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert faults(page) == []
    page.goto(address)  # what was typed stays in this browser, until it is to be forgotten
    expect(page.get_by_label("Your organisation’s name")).to_have_value("Bees of Bath")
    expect(page.get_by_alt_text("Your logo on a dark page")).to_be_visible()
    page.get_by_role("button", name="Forget what I typed").click()
    expect(page.get_by_label("Your organisation’s name")).to_have_value("")
    context.close()


def test_without_script_the_same_way_has_a_button_for_each_step(browser: Browser, address: str, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(logo())
    context = browser.new_context(
        viewport={"width": 375, "height": 800}, java_script_enabled=False, accept_downloads=True
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Your organisation’s name").fill("Bees of Bath")
    page.get_by_label("Logo").set_input_files(tmp_path / "logo.png")
    page.get_by_role("button", name="Use this file").click()
    expect(page.get_by_alt_text("Your logo on a light page")).to_be_visible()
    page.get_by_role("button", name="Show it").click()
    expect(page.frame_locator("iframe").get_by_alt_text("Bees of Bath")).to_be_visible()
    page.locator("label.pill[for=tool-brevo]").click()
    page.get_by_role("button", name="Download for Brevo").click()
    expect(page.get_by_text("adds no address by itself").first).to_be_visible()
    expect(page.get_by_label("Your organisation’s name")).to_have_value("Bees of Bath")
    page.get_by_label("Postal address").fill("2 Hive Lane, Bath")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download for Brevo").click()
    assert "bees-of-bath-brevo/images/bees-of-bath-logo.png" in inside(taken.value.path().read_bytes())
    context.close()
