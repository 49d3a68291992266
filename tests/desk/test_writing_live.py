"""Writing in a real browser: preview and checks while somebody types, saves by themselves, and what can go wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import text

from daisychain.database import Database
from newsletters.stored.beginnings import from_starter
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, create, load
from newsletters.stored.saving import save
from newsletters.stored.versions import versions
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.staff import PASSWORD
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("chromium", "scripts"), pytest.mark.processes]

VIEWS = [(375, "light"), (1280, "dark")]
OpenAs = Callable[..., Page]


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        contents = from_starter(connection, "community-makes-us", "bulletin")
        return create(connection, "May bulletin", contents, who="Sam")


@pytest.fixture
def source(opened_as: OpenAs, url: str, may: SavedNewsletter) -> Callable[..., Page]:
    """Opens the source view as an editor."""

    def open_page(*view: object) -> Page:
        page = opened_as("editor", *view)
        page.goto(f"{url}/desk/newsletters/{may.id}/source")
        expect(code(page)).to_be_visible()
        return page

    return open_page


def test_the_preview_view_shows_what_was_chosen(opened_as: OpenAs, url: str, may: SavedNewsletter) -> None:
    page = opened_as("editor")
    page.goto(f"{url}/desk/newsletters/{may.id}/preview")
    page.get_by_label("On", exact=True).select_option("desktop")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("iframe.mail.desktop")).to_be_visible()


def code(page: Page) -> Locator:
    return page.locator("dc-source .cm-content")


def saved_text(database: Database, newsletter: SavedNewsletter) -> str:
    with database.engine.connect() as connection:
        return load(connection, newsletter.id).contents.texts[""]


def at_the_end(page: Page) -> None:
    code(page).focus()
    page.keyboard.press("Control+End")


def mail(page: Page) -> Locator:
    return page.frame_locator("iframe.mail:not(.spare)").locator("body")


def status(page: Page) -> Locator:
    return page.locator(".head .saved")


def test_what_is_typed_is_in_the_preview_and_is_saved_and_both_say_so(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source(1280)
    steps = page.evaluate("history.length")
    at_the_end(page)
    page.keyboard.type("Kindness never stops.\n")
    expect(mail(page)).to_contain_text("Kindness never stops.")
    expect(status(page)).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    assert saved_text(database, may).endswith("Kindness never stops.\n")
    expect(page.locator("#undo")).to_be_visible()
    expect(page.locator("#undo-what")).to_contain_text("changes since")
    # The first page of each frame makes one step of the browser's history, as a frame that is never changed does.
    assert page.evaluate("history.length") <= steps + 1
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="Undone.")).to_be_visible()
    assert "Kindness never stops" not in saved_text(database, may)


def test_the_preview_stands_at_the_place_that_is_edited(source: Callable[..., Page]) -> None:
    page = source(1280)
    at_the_end(page)
    page.keyboard.type("The very last words.\n")
    last = mail(page).get_by_text("The very last words.")
    expect(last).to_be_in_viewport()


def test_the_preview_is_shown_dark_without_pictures_as_a_desktop_and_as_text(source: Callable[..., Page]) -> None:
    page = source(1280)
    expect(page.locator("iframe.mail.phone:not(.spare)")).to_have_js_property("clientWidth", 375)
    page.get_by_label("On", exact=True).select_option("desktop")
    expect(page.locator("iframe.mail.desktop:not(.spare)")).to_have_js_property("clientWidth", 640)
    with page.expect_response("**/unsaved/frame?*dark=1*no-pictures=1*") as answer:
        page.get_by_label("Dark").check()
        page.get_by_label("Without pictures").check()
    assert "img-src 'none'" in answer.value.headers["content-security-policy"]
    page.get_by_label("On", exact=True).select_option("text")
    expect(mail(page).locator("pre")).to_be_visible()
    page.reload()
    expect(page.get_by_label("On", exact=True)).to_have_value("text")


def test_a_mail_that_can_t_be_shown_keeps_the_last_one_and_says_so(source: Callable[..., Page]) -> None:
    page = source(1280)
    expect(mail(page)).to_contain_text("Community Makes Us")
    code(page).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("x")
    expect(page.locator("dc-preview .notice")).to_contain_text("see what to fix")
    expect(mail(page)).to_contain_text("Community Makes Us")


def test_a_completion_asked_for_while_the_names_are_loading_is_shown_once_they_are_there(
    opened_as: OpenAs, url: str, may: SavedNewsletter
) -> None:
    page, loading = opened_as("editor"), []
    page.route("**/unsaved/words*", lambda route: loading.append(route))
    page.goto(f"{url}/desk/newsletters/{may.id}/source")
    expect(code(page)).to_be_visible()
    at_the_end(page)
    page.keyboard.type("\n::: ")
    until(lambda: page.evaluate("1") and loading)  # Playwright handles routes while it is asked
    page.keyboard.press("Control+Space")
    for route in loading:
        route.continue_()
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("button")


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_completion_and_findings_are_used_by_keyboard_only(
    source: Callable[..., Page], database: Database, may: SavedNewsletter, width: int, scheme: str
) -> None:
    page = source(width, scheme)
    at_the_end(page)
    page.keyboard.type("\n::: ")
    page.keyboard.press("Control+Space")
    chosen = page.locator(".cm-tooltip-autocomplete li[aria-selected]")
    first = chosen.inner_text()
    # An editor takes no key for a completion that has only just appeared.
    until(lambda: page.keyboard.press("ArrowDown") or chosen.inner_text() != first)
    page.keyboard.type("butto")
    expect(chosen).to_contain_text("button")
    page.keyboard.press("Enter")
    page.keyboard.type(" Join hre")
    expect(chosen).to_contain_text("href")
    page.keyboard.press("Escape")
    page.keyboard.type("\n")
    fix = page.locator("#fix")
    expect(page.locator(".parts .count")).to_have_text(re.compile(r"\([1-9]"))
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    page.keyboard.press("F8")
    expect(page.locator(".cm-diagnostic-error")).to_be_visible()
    assert not broken_rules(page)
    assert not scrolls_sideways(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save")).to_be_focused()
    if width < 1200:
        page.get_by_role("link", name=re.compile("^Fix")).press("Enter")
        expect(fix).to_be_visible()
        expect(code(page)).to_be_hidden()
        assert not broken_rules(page)
        page.get_by_role("link", name="Look").press("Enter")
        expect(mail(page)).to_contain_text("Community Makes Us")
        assert not broken_rules(page)
        assert not scrolls_sideways(page)
        page.get_by_role("link", name=re.compile("^Fix")).press("Enter")
    fix.locator("[data-severity=error] a").first.press("Enter")
    expect(code(page)).to_be_focused()
    assert page.evaluate("document.querySelector('[name=text]').dataset.line") == str(
        saved_text(database, may)[: saved_text(database, may).index("::: button Join")].count("\n") + 1
    )


def test_control_s_saves_at_once(source: Callable[..., Page], database: Database, may: SavedNewsletter) -> None:
    page = source()
    at_the_end(page)
    page.keyboard.type("At once.")
    page.keyboard.press("Control+s")
    expect(status(page)).to_contain_text("Saved ")
    assert "At once." in saved_text(database, may)


def test_nothing_is_sent_if_nothing_changed_and_one_save_is_under_way_at_a_time(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    held: list[Route] = []
    page.route("**/source", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    at_the_end(page)
    page.keyboard.type("One ")
    page.wait_for_event("request", lambda each: each.method == "POST" and each.url.endswith("/source"))
    page.keyboard.type("two ")
    page.keyboard.press("Control+s")
    with page.expect_response(lambda each: "unsaved/checks" in each.url):
        page.keyboard.type("three")
    assert len(held) == 1
    held.pop().continue_()
    until(lambda: page.evaluate("1") and bool(held))
    held.pop().continue_()
    expect(status(page)).to_contain_text("Saved ")
    assert "One two three" in saved_text(database, may)
    page.keyboard.press("Control+s")
    page.evaluate("new Promise((done) => setTimeout(done))")
    assert not held
    with database.engine.connect() as connection:
        assert [each.kind for each in versions(connection, may.id)] == ["auto", "kept"]


def test_while_the_server_is_away_the_text_is_kept_in_the_browser_and_saved_when_it_is_back(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    page.route("**/source", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    at_the_end(page)
    page.keyboard.type("Written offline.")
    expect(status(page)).to_contain_text("Not saved since")
    page.keyboard.type(" And more.")
    assert "Written offline. And more." not in saved_text(database, may)
    page.unroute("**/source")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(status(page)).to_contain_text("Saved ")
    assert "Written offline. And more." in saved_text(database, may)
    assert page.evaluate("localStorage.length") == 0


def test_a_text_that_a_closed_browser_could_not_save_is_offered_back_only_if_it_differs(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    page.route("**/source", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    at_the_end(page)
    page.keyboard.type("Kept here.")
    expect(status(page)).to_contain_text("Not saved since")
    other = page.context.new_page()
    other.goto(page.url)
    page.close()
    expect(other.get_by_text("was not saved, and is kept in this browser")).to_be_visible()
    other.get_by_role("button", name="Use it").click()
    expect(other.locator("[name=text]")).to_have_value(re.compile("Kept here."))
    assert "Kept here." in saved_text(database, may)
    expect(other.get_by_text("was not saved")).to_have_count(0)


def test_a_page_that_is_left_at_once_loses_nothing(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    at_the_end(page)
    page.keyboard.type("Reloaded at once.")
    page.reload()
    expect(page.locator("[name=text]")).to_have_value(re.compile("Reloaded at once."))
    expect(code(page)).to_be_visible()
    until(lambda: "Reloaded at once." in saved_text(database, may))
    at_the_end(page)
    page.keyboard.type(" By a link.")
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_text("Version 1")).to_be_visible()
    assert "Reloaded at once. By a link." in saved_text(database, may)


def answer_is_lost(page: Page, *, saved: bool) -> None:
    """Let no save be answered; the server saves it, or never gets it."""

    def lose(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
        elif saved:
            route.fetch()
            route.abort()
        else:
            route.abort()

    page.route("**/source", lose)


def test_a_save_whose_answer_was_lost_collides_with_nothing_that_the_same_page_writes_next(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    answer_is_lost(page, saved=True)
    at_the_end(page)
    page.keyboard.insert_text("Saved, though nobody heard.")  # at once: one save has all of it
    expect(status(page)).to_contain_text("Not saved since")
    assert "Saved, though nobody heard." in saved_text(database, may)
    page.unroute("**/source")
    page.keyboard.type(" And more.")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(status(page)).to_contain_text("Saved ")
    assert "Saved, though nobody heard. And more." in saved_text(database, may)
    with database.engine.connect() as connection:
        assert "collided" not in {each.kind for each in versions(connection, may.id)}


@pytest.mark.parametrize("saved", [True, False], ids=["saved", "never arrived"])
def test_a_page_that_is_reloaded_while_a_save_is_under_way_loses_nothing_and_asks_nothing(
    source: Callable[..., Page], database: Database, may: SavedNewsletter, saved: bool
) -> None:
    page, under_way = source(), []

    def hold(route: Route) -> None:
        if route.request.method != "POST" or under_way:
            route.continue_()
        else:
            under_way.append(route.fetch() if saved else route)  # the page gets no answer

    page.route("**/source", hold)
    at_the_end(page)
    page.keyboard.type("Under way.")
    until(lambda: page.evaluate("1") and under_way)  # Playwright handles routes while it is asked
    page.keyboard.type(" Typed after it.")
    page.reload()
    expect(page.locator("[name=text]")).to_have_value(re.compile(r"Under way\. Typed after it\."))
    until(lambda: "Under way. Typed after it." in saved_text(database, may))
    expect(page.get_by_text("was not saved")).to_have_count(0)
    with database.engine.connect() as connection:
        assert "collided" not in {each.kind for each in versions(connection, may.id)}


def test_a_session_that_ends_while_somebody_writes_keeps_the_text_until_they_are_back(
    source: Callable[..., Page], url: str, database: Database, may: SavedNewsletter
) -> None:
    page = source()
    expect(mail(page)).to_contain_text("Community Makes Us")
    expect(page.locator("dc-checks h2")).to_have_count(2)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM account_sessions"))
    at_the_end(page)
    page.keyboard.type("Typed after the end.")
    expect(status(page)).to_contain_text("You are signed out. Your text is kept in this browser")
    with page.context.expect_page() as opening:
        status(page).get_by_role("link").click()
    tab = opening.value
    tab.get_by_label("Email address").fill("editor@coalition.example")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(f"{url}/desk/")
    tab.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(status(page)).to_contain_text("Saved ")
    assert "Typed after the end." in saved_text(database, may)


def test_two_people_who_write_at_once_see_both_texts_and_lose_no_words(
    source: Callable[..., Page], database: Database, may: SavedNewsletter
) -> None:
    page = source()
    theirs = saved_text(database, may).replace("Dear ", "THEIRS ")
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": theirs}), who="Priya")
    at_the_end(page)
    page.keyboard.type("\nMINE first\n")
    expect(status(page)).to_contain_text("Priya saved meanwhile, your text is kept")
    at_the_end(page)
    page.keyboard.type("and MINE later\n")
    status(page).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("May bulletin: two texts")
    expect(page.get_by_text("and MINE later")).to_be_visible()
    for each in page.locator("fieldset.pair").all():
        both = each.get_by_text("Both, mine first")
        (both if both.count() else each.get_by_text("Mine", exact=True)).click()
    page.get_by_role("button", name="Save as one text").click()
    expect(page.get_by_role("status").filter(has_text="Both are saved")).to_be_visible()
    joined = saved_text(database, may)
    assert all(words in joined for words in ("THEIRS", "MINE first", "and MINE later"))


def test_without_script_the_text_is_beside_its_preview_and_is_saved_by_its_button(
    opened_as: OpenAs, url: str, database: Database, may: SavedNewsletter, app: Flask
) -> None:
    page = opened_as("editor", 375, scripts=False)
    page.goto(f"{url}/desk/newsletters/{may.id}/source")
    page.get_by_label("Text", exact=True).fill(saved_text(database, may) + "\nBy hand.\n")
    page.get_by_role("button", name="Save").click()
    expect(mail(page)).to_contain_text("By hand.")
    assert "By hand." in saved_text(database, may)
    expect(page.locator("#fix")).to_contain_text("to fix")
    assert not scrolls_sideways(page)


def test_forms_of_pieces_save_by_themselves_and_a_step_comes_after_what_was_typed(
    opened_as: OpenAs, url: str, database: Database, may: SavedNewsletter
) -> None:
    page = opened_as("editor", 1280)
    page.goto(f"{url}/desk/newsletters/{may.id}/blocks")
    page.locator("#edit-1").click()
    page.locator('[name="1:title"]').fill("Typed by form")
    expect(mail(page)).to_contain_text("Typed by form")
    expect(status(page)).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    assert "Typed by form" in saved_text(database, may)
    page.locator('[name="1:title"]').fill("Typed, then moved")
    page.locator("#down-1").click()
    expect(mail(page)).to_contain_text("Typed, then moved")
    until(lambda: page.evaluate("1") and "Dear" in saved_text(database, may).partition("Typed, then moved")[0])
