"""The desk as people see it: from the sign-in to each page, on phone and desktop, light and dark, and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import pytest
from playwright.sync_api import Page

from accounts.audit import record
from accounts.invitations import invite
from daisychain.database import Database
from tests.desk.chromium import broken_rules, heading, scrolls_sideways, sign_in_by_page
from tests.desk.staff import PASSWORD, app_code, make_account
from tests.partners.hive import add_bees

pytestmark = [pytest.mark.usefixtures("chromium"), pytest.mark.processes]

# Each page once it has something to show: its address, and its heading.
PAGES = {
    "/desk/": "Home", "/desk/account": "Your account", "/desk/account/second-factor": "Set up a second factor",
    "/desk/people": "People", "/desk/people/invite": "Invite somebody", "/desk/people/1": "Priya Example",
    "/desk/audit": "Audit", "/desk/settings": "Settings", "/desk/prove": "Show that it is you",
    "/desk/nowhere": "There is nothing here", "/desk/campaigns": "Campaigns", "/desk/campaigns/1": "News",
    "/desk/campaigns/1/cancel": "Cancel “News”", "/desk/campaigns/1/correct": "Correct “News”",
    "/desk/campaigns/1/uncertain": "Uncertain people of “News”", "/desk/campaigns/1/people": "People of “News”",
    "/desk/lists": "Lists", "/desk/lists/friends": "friends", "/desk/toolkits": "Toolkits",
    "/desk/toolkits/community-makes-us": "Community Makes Us", "/desk/partners": "Partners",
    "/desk/partners?words=zebra": "Partners", "/desk/partners/1": "Bees of Bath",
    "/desk/partners/new": "New organisation", "/desk/partners/import": "Import organisations",
    "/desk/reports": "Reports", "/desk/reports/trends": "friends, month by month",
    "/desk/reports/1": "Report on “News”",
}  # fmt: skip
View = tuple[int, Literal["light", "dark"]]
# Each width and each look once: what a width moves, no colour changes.
VIEWS: list[View] = [(375, "dark"), (1280, "light")]


@pytest.mark.usefixtures("scripts")
def test_everybody_can_use_every_page(
    opened: Callable[..., Page], url: str, database: Database, under_way: int
) -> None:
    account_id, secret = make_account(database, "admin", name="Priya Example")
    with database.engine.begin() as connection:
        invite(connection, "sam@coalition.example", "editor", "Priya Example")
        add_bees(connection)
        place = {"role": "admin", "network": "203.0.113.0/24"}
        record(connection, "Priya Example", "people.remove", "bo@coalition.example", "refused", **place)
    page, found = opened(), {}

    def look(name: str, views: Sequence[View] = VIEWS) -> None:
        for width, scheme in views:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found[name, width, scheme] = broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page)

    page.goto(f"{url}/desk/sign-in")
    look("sign-in")
    page.get_by_label("Email address").fill("admin@coalition.example")
    page.get_by_label("Password").fill("wrong")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()
    look("wrong password")
    sign_in_by_page(page, url, database, secret, account_id)
    for path, title in PAGES.items():
        page.goto(f"{url}{path}")
        assert heading(page) == title
        look(path)
    page.emulate_media(media="print")  # the report, last of PAGES: on paper nothing can be pressed
    assert not page.get_by_label("Search for").is_visible()
    assert not page.get_by_role("heading", name="Hand it on").is_visible()
    page.emulate_media(media="screen")
    page.goto(f"{url}/desk/campaigns/{under_way}")
    page.get_by_label("Their address").fill("person1@people.example")
    with page.expect_navigation():
        page.get_by_role("button", name="Look", exact=True).click()
    assert heading(page) == "Did they get “News”?"
    look("did they get it")
    page.get_by_label("Search for").fill("person1@people.example")
    with page.expect_navigation():
        page.get_by_role("button", name="Search").click()
    look("search")
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{url}/desk/")
    page.get_by_text("Menu", exact=True).click()
    look("open menu", [view for view in VIEWS if view[0] == 375])
    assert not {name: rules for name, rules in found.items() if rules}


def test_the_desk_works_without_script(opened: Callable[..., Page], url: str, database: Database) -> None:
    account_id, secret = make_account(database, "admin")
    page = opened(375, scripts=False)
    sign_in_by_page(page, url, database, secret, account_id)
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Their email address").fill("sam@coalition.example")
    page.get_by_text("writes newsletters and toolkit copy").click()
    page.get_by_role("button", name="Invite").click()
    assert "/desk/welcome/" in page.locator("code").inner_text()


def test_people_sign_in_by_keyboard_and_see_where_they_are(
    opened: Callable[..., Page], url: str, database: Database
) -> None:
    _, secret = make_account(database, "admin")
    page = opened()
    page.goto(f"{url}/desk/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.type("admin@coalition.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(app_code(database, secret))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/desk/")
    assert heading(page) == "Home"
    for _ in range(3):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
