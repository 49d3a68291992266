"""A campaign's page keeps itself up to date: what the server answers, and what somebody sees who only watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, func, text, update
from werkzeug.test import TestResponse

import desk.campaigns.progress
from accounts.tables import AccountSession
from daisychain.database import Database
from sender.campaigns import steering
from sender.providers.provider import Outcome, Verdict
from sender.tables import Campaign
from tests.desk.staff import Browser
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded

BY_SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def under_way(database: Database) -> int:
    """Eight people: one accepted, one failed, two uncertain, four waiting in two batches."""
    campaign_id = frozen(database, 8, batch_size=2)
    first, second, *_ = batches(database, campaign_id)
    refused = {2: "mailbox full"}
    recorded(database, claimed(database, first), Outcome(Verdict.ACCEPTED, status=202, refused=refused))
    recorded(database, claimed(database, second), Outcome(Verdict.UNCERTAIN, detail="no answer"))
    return campaign_id


@pytest.fixture
def next_second(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Time stands still until this is called, for what is read once a second."""
    now = [1000.0]
    monkeypatch.setattr(desk.campaigns.progress, "monotonic", lambda: now[0])
    return lambda: now.__setitem__(0, now[0] + 1)


def accept_two_more(database: Database, campaign_id: int) -> None:
    waiting = batches(database, campaign_id)[0]
    recorded(database, claimed(database, waiting), Outcome(Verdict.ACCEPTED, status=202))


def pause(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="Priya", because="a wrong date")


def ask(browser: Browser, campaign_id: int, have: str = "") -> TestResponse:
    return browser.client.get(f"/desk/campaigns/{campaign_id}/live?have={have}", headers=BY_SCRIPT)


def test_nothing_is_sent_again_until_something_has_moved(
    database: Database, admin: Browser, under_way: int, next_second: Callable[[], None]
) -> None:
    first = ask(admin, under_way)
    assert first.status_code == 200
    assert first.headers["X-Next"] == "1"
    assert "<html" not in first.text
    have = first.headers["X-Version"]
    assert f'have="{have}"' in admin.get(f"/desk/campaigns/{under_way}").text
    next_second()
    assert ask(admin, under_way, have).status_code == 304
    accept_two_more(database, under_way)
    next_second()
    moved = ask(admin, under_way, have)
    assert moved.status_code == 200
    assert moved.headers["X-Version"] != have


def test_a_campaign_is_read_once_a_second_whoever_asks(
    database: Database, admin: Browser, as_role: Callable[[str], Browser], under_way: int,
    next_second: Callable[[], None],
) -> None:  # fmt: skip
    other = as_role("editor")
    have = ask(admin, under_way).headers["X-Version"]
    accept_two_more(database, under_way)
    assert ask(other, under_way, have).status_code == 304
    next_second()
    assert ask(other, under_way, have).status_code == 200


@pytest.mark.parametrize(
    ("state", "values", "seconds"),
    [
        ("draft", {"frozen_at": None}, None),
        ("scheduled", {"starts_at": func.now()}, "5"),
        ("scheduled", {}, "1"),
        ("sending", {}, "1"),
        ("paused", {}, "5"),
        ("finished", {"finished_at": func.now()}, "5"),
        ("finished", {"finished_at": func.now() - text("interval '11 minutes'")}, None),
        ("cancelled", {"finished_at": func.now() - text("interval '11 minutes'")}, None),
    ],
)
def test_a_page_asks_again_as_often_as_it_may_move_and_then_stops(
    database: Database, admin: Browser, under_way: int, state: str, values: dict[str, Any], seconds: str | None
) -> None:
    accept_two_more(database, under_way)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == under_way).values(state=state, **values))
    assert ask(admin, under_way).headers.get("X-Next") == seconds
    assert ("<dc-live" in admin.get(f"/desk/campaigns/{under_way}").text) == (seconds is not None)


def test_each_role_gets_its_own_buttons(as_role: Callable[[str], Browser], under_way: int) -> None:
    assert "Cancel the rest" in ask(as_role("sender"), under_way).text
    assert "Cancel the rest" not in ask(as_role("editor"), under_way).text


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(database: Database, admin: Browser, under_way: int) -> None:
    def seen(minutes_ago: int) -> None:
        at = func.now() - func.make_interval(0, 0, 0, 0, 0, minutes_ago)
        with database.engine.begin() as connection:
            connection.execute(update(AccountSession).values(seen_at=at))

    def idle() -> bool:
        with database.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT seen_at < now() - interval '5 minutes' FROM account_sessions")))

    seen(20)
    assert ask(admin, under_way).status_code == 200
    assert idle()
    admin.get(f"/desk/campaigns/{under_way}")
    assert not idle()
    seen(31)
    assert ask(admin, under_way).status_code == 401


def test_a_script_that_is_not_signed_in_gets_401_and_a_person_the_sign_in(
    app: Flask, browser: Browser, under_way: int
) -> None:
    assert ask(browser, under_way).status_code == 401
    assert "Sign in" in browser.get(f"/desk/campaigns/{under_way}/live").text


@pytest.fixture
def watching(opened_as: Callable[..., Page], url: str, under_way: int, scripts: None) -> Page:
    """A sender who has the page of a running campaign open."""
    page = opened_as("sender")
    page.goto(f"{url}/desk/campaigns/{under_way}")
    expect(page.get_by_text("Up to date.")).to_be_visible()
    return page


def tile(page: Page, name: str) -> str:
    return page.locator("#live-ledger dl div", has_text=name).locator("dd").inner_text()


@pytest.mark.processes
def test_somebody_who_watches_sees_it_move_and_hears_only_of_another_state(
    watching: Page, database: Database, under_way: int
) -> None:
    said = watching.locator("dc-live [role=status]")
    expect(watching.get_by_role("link", name="Look again")).to_be_hidden()
    expect(watching.locator("#live-count")).to_contain_text("4 of 8")
    watching.get_by_role("link", name="Cancel the rest").focus()
    accept_two_more(database, under_way)
    expect(watching.locator("#live-count")).to_contain_text("6 of 8")
    assert tile(watching, "Accepted") == "3"
    assert said.inner_text() == ""
    pause(database, under_way)
    expect(said).to_have_text("It is paused now.")
    expect(watching.get_by_text("a wrong date.").first).to_be_visible()
    expect(watching.get_by_role("button", name="Pause")).to_have_count(0)
    expect(watching.get_by_role("link", name="Cancel the rest")).to_be_focused()


@pytest.mark.processes
def test_what_has_not_moved_stays_the_same_element_so_that_a_press_on_pause_is_never_lost(
    watching: Page, database: Database, under_way: int
) -> None:
    watching.evaluate("document.querySelector('#because').marked = true")
    watching.get_by_label("Their address").fill("half an addr")
    accept_two_more(database, under_way)
    expect(watching.locator("#live-count")).to_contain_text("6 of 8")
    assert watching.evaluate("document.querySelector('#because').marked")
    assert watching.get_by_label("Their address").input_value() == "half an addr"
    watching.get_by_role("button", name="Pause").click()
    expect(watching.get_by_text("Paused: nobody else is mailed")).to_be_visible()


@pytest.mark.processes
def test_a_page_whose_server_does_not_answer_says_since_when_and_catches_up(
    watching: Page, database: Database, under_way: int
) -> None:
    watching.route("**/live?*", lambda route: route.abort())
    expect(watching.get_by_text("Not up to date since")).to_be_visible()
    expect(watching.get_by_role("link", name="Look again")).to_be_visible()
    accept_two_more(database, under_way)
    watching.unroute("**/live?*")
    expect(watching.locator("#live-count")).to_contain_text("6 of 8")
    expect(watching.get_by_text("Up to date.")).to_be_visible()


@pytest.mark.processes
def test_a_hidden_tab_does_not_ask_and_looks_at_once_when_it_is_seen(
    watching: Page, database: Database, under_way: int
) -> None:
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    watching.evaluate(hide, True)
    expect(watching.locator("dc-live")).to_have_js_property("due", True)
    asked: list[str] = []
    watching.on("request", lambda request: asked.append(request.url))
    accept_two_more(database, under_way)
    assert asked == []
    watching.evaluate(hide, False)
    expect(watching.locator("#live-count")).to_contain_text("6 of 8")


@pytest.mark.processes
def test_somebody_whose_session_ends_is_led_to_the_sign_in(watching: Page, database: Database, under_way: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(AccountSession))
    watching.wait_for_url(lambda url: url.endswith(f"/sign-in?to=/desk/campaigns/{under_way}"))
