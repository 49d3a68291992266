"""The send wizard: list, checks, second look, when, look and send; nobody is mailed twice, or unseen."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from shutil import copytree
from threading import Barrier

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import delete, func, insert, select, text, update

from accounts.tables import AccountSession, AuditLine
from daisychain.database import Database
from daisychain.settings import Settings
from lists.tables import MailingList, Membership
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, load
from newsletters.stored.saving import save
from newsletters.toolkit_store.store import SHIPPED
from sender.campaigns.due_campaigns import start_due_campaigns
from sender.tables import Campaign, Decision, Delivery, Override, Place
from tests.command import Daisychain
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.sending.wizard import Wizard, campaigns, leave, rewrite, start
from tests.desk.staff import Browser
from tests.desk.test_in_a_browser import VIEWS
from tests.fakes.sendgrid import FakeSendGrid


def test_a_newsletter_is_sent_in_five_pages_and_the_button_says_the_number(wizard: Wizard, database: Database) -> None:
    page = wizard.browser.get(f"{wizard.path}/list").text
    assert "3 people" in page
    assert "1 excluded: 1 left" in page
    assert "Checked for supporters, 3 people" in wizard.browser.get(f"{wizard.path}/checks?list=supporters").text
    assert "At what time?" in wizard.draft()
    assert "Second look" in wizard.plan()
    page = wizard.look()
    for part in ("Send to 3 people", "Kindness, next door", "consent 3", "Never tested", "news@coalition.example"):
        assert part in page
    assert "3 people" not in page.split("Send to 3 people")[1]
    page = wizard.go()
    assert "It is on its way." in page
    assert "Being prepared" in page
    start(database)
    assert campaigns(database) == [("sending", 4)]
    with database.engine.connect() as connection:
        assert connection.execute(select(Decision.what, Decision.who)).all() == [("send", "Sender Example")]
        line = connection.execute(select(AuditLine).where(AuditLine.action == "send_look.go")).mappings().one()
    assert line["object"] == "may"
    assert line["details"]["people"] == 3


def test_a_second_press_mails_nobody_twice_and_says_so(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    assert "It is on its way." in wizard.browser.post(f"{wizard.path}/go", **form).text
    again = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "Nobody is mailed twice." in again
    start(database)
    start(database)
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 4


def test_if_the_count_moved_or_the_words_changed_the_page_is_shown_again_with_that(
    wizard: Wizard, may: SavedNewsletter, daisychain: Daisychain, database: Database
) -> None:
    wizard.draft()
    wizard.look()
    leave(daisychain, "cat")
    page = wizard.go()
    assert "It goes to 2 people now, not 3" in page
    assert "Send to 2 people" in page
    rewrite(database, may, "Hello")
    page = wizard.go()
    assert "Nothing was sent" in page
    assert "changed since campaign" in page
    assert "--as-created" not in page
    assert campaigns(database) == [("draft", 0)]
    wizard.draft()
    wizard.look()
    assert "It is on its way." in wizard.go()
    start(database)
    assert campaigns(database) == [("sending", 4)]


def test_nobody_left_after_exclusions_is_said_and_makes_no_draft(
    wizard: Wizard, daisychain: Daisychain, database: Database
) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    for name in ("ann", "bob", "cat"):
        leave(daisychain, name)
    assert "Nobody is left to send this to." in wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "Nobody on supporters may be mailed." in wizard.draft()
    assert campaigns(database) == [("draft", 0)]


def test_an_error_blocks_and_one_that_may_stay_needs_a_reason_that_is_kept(
    wizard: Wizard, may: SavedNewsletter, database: Database
) -> None:
    rewrite(database, may, "[Add a greeting] Dear")
    page = wizard.browser.get(f"{wizard.path}/checks?list=supporters").text
    found = re.findall(r'name="(because-[^"]+)"', page)
    assert found
    answer = wizard.draft()
    assert "neither fixed nor accepted" in answer
    assert campaigns(database) == []
    assert "At what time?" in wizard.draft(**dict.fromkeys(found, "It is meant"))
    with database.engine.connect() as connection:
        assert connection.execute(select(Override.who, Override.because)).first() == ("Sender Example", "It is meant")
    assert "It is meant" in wizard.look()
    rewrite(database, may, "Hello\n\n::: nonsense\n\nDear")
    page = wizard.browser.get(f"{wizard.path}/checks?list=supporters").text
    assert "Go and fix it" in page
    assert "Go on</button>" not in page


def test_a_toolkit_withdrawn_before_the_send_stops_it_with_a_message(
    wizard: Wizard, may: SavedNewsletter, database: Database
) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    with database.engine.begin() as connection:
        now = load(connection, may.id)
        gone = now.contents.texts[""].replace("community-makes-us", "gone-kit")
        save(connection, may.id, now.version, Change({"": gone}), who="Sam")
    page = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "There is no toolkit &#39;gone-kit&#39;." in page
    assert campaigns(database) == [("draft", 0)]


def test_a_time_and_a_few_people_first_are_planned(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    assert "is past" in wizard.plan(at="2020-01-01T09:30")
    assert 'value="2020-01-01T09:30"' in wizard.browser.page
    wizard.plan(at="2031-01-01T09:30", canary="2", wait="3600", between="08:00-20:00", per_minute="50")
    page = wizard.look()
    assert "Send to 3 people at Wed 1 Jan 2031, 09:30 GMT" in page
    for part in (
        "2 people first, the rest after 1 hour",
        "08:00 to 20:00 Europe/London only",
        "at most 50 people a minute",
    ):
        assert part in page
    kept = wizard.browser.get(f"{wizard.path}/when").text
    for part in (
        'value="2031-01-01T09:30"',
        'name="canary" value="2"',
        "08:00-20:00",
        '<option value="3600" selected>',
    ):
        assert part in kept
    wizard.look()
    assert "It is scheduled." in wizard.go()
    with database.engine.connect() as connection:
        row = connection.execute(select(Campaign.state, Campaign.canary, Campaign.canary_wait)).one()
    assert tuple(row) == ("scheduled", 2, 3600)


def test_clocks_that_change_are_said(wizard: Wizard) -> None:
    wizard.draft()
    assert "does not exist: the clocks go forward there." in wizard.plan(at="2031-03-30T01:30")
    wizard.plan(at="2031-10-26T01:30")
    page = wizard.look()
    assert "Sun 26 Oct 2031, 01:30 BST, the first of two that night" in page
    wizard.plan(at="2031-10-26T02:30")
    assert "of two" not in wizard.look()


def test_a_time_that_passes_before_the_press_is_said(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.plan(at="2031-01-01T09:30")
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(starts_at=text("now() - interval '1 minute'")))
    wizard.look()
    assert "is past. Give a time to come." in wizard.go()
    assert campaigns(database) == [("draft", 0)]


def test_a_few_first_is_preset_for_many_people(
    wizard: Wizard, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'name="canary" value=""' in wizard.draft()
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM campaigns"))
    monkeypatch.setattr("desk.send_wizard.send_when.CANARY_FROM", 2)
    assert 'name="canary" value="100"' in wizard.draft()
    assert "100 people first, the rest after 30 minutes" in wizard.look()
    wizard.plan(canary="")
    assert "people first" not in wizard.look(), "what the sender chose is kept"
    wizard.draft()
    assert "people first" not in wizard.look()


def test_sending_needs_a_fresh_proof_and_the_right(
    wizard: Wizard, as_role: Callable[[str], Browser], database: Database
) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    editor = as_role("editor")
    page = editor.get(f"{wizard.path}/look").text
    assert "Sender Example can send this." in page
    assert "Send to 3" not in page
    assert editor.post(f"{wizard.path}/go", **form).status_code == 403
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(proved_at=text("now() - interval '11 minutes'")))
    answer = wizard.browser.post(f"{wizard.path}/go", **form)
    assert answer.status_code == 401
    assert campaigns(database) == [("draft", 0)]


def test_a_repeat_within_a_day_has_to_be_meant(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    wizard.go()
    wizard.draft()
    assert "They get it twice, and that is meant." in wizard.look()
    assert "Some people get this twice" in wizard.go()
    assert "It is on its way." in wizard.go(repeats="yes")


def test_a_page_of_the_wizard_without_a_draft_leads_to_the_first(wizard: Wizard) -> None:
    for page in ("approve", "when", "look"):
        assert "Who gets it?" in wizard.browser.get(f"{wizard.path}/{page}").text


def test_pages_of_the_wizard_are_small_and_without_inline_script(wizard: Wizard) -> None:
    wizard.draft()
    for page in ("list", "checks?list=supporters", "approve", "when", "look"):
        answer = wizard.browser.get(f"{wizard.path}/{page}")
        assert answer.status_code == 200, page
        assert len(answer.data) < 50_000, page
        assert " style=" not in answer.text, page


# What may have happened meanwhile


@pytest.fixture
def revoked(through_sendgrid: Settings, database: Database) -> None:
    """Mail goes through SendGrid, which answers 401 to this key."""
    database.settings = replace(through_sendgrid, provider="sendgrid", sendgrid_api_key="SG.revoked.key")


def test_a_revoked_key_is_said_before_anybody_is_written_down(
    revoked: None, wizard: Wizard, database: Database, sendgrid: FakeSendGrid
) -> None:
    wizard.draft()
    wizard.look()
    page = wizard.go()
    assert "SendGrid does not know this key" in page
    assert campaigns(database) == [("draft", 0)]
    assert not sendgrid.mails


def test_a_provider_that_is_not_set_up_is_said_in_a_sentence(wizard: Wizard, database: Database) -> None:
    database.settings = replace(database.settings, provider="sendgrid")
    wizard.draft()
    wizard.look()
    page = wizard.go()
    assert "SENDGRID_API_KEY" in page
    assert "Please tell the person who looks after Daisychain." in page
    assert campaigns(database) == [("draft", 0)]


def test_a_restored_database_sends_nothing_until_somebody_confirms_it(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    with database.engine.begin() as connection:
        connection.execute(delete(Place))
        connection.execute(insert(Place).values(fingerprint="elsewhere", words="elsewhere", confirmed_by="the test"))
    page = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "Nothing was sent" in page
    assert "restored" in page
    assert campaigns(database) == [("draft", 0)]


def test_a_campaign_that_was_sent_at_the_command_line_is_not_sent_again(
    wizard: Wizard, database: Database, daisychain: Daisychain
) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    daisychain("campaign", "send", form["campaign"], "--yes")
    page = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "was started before your press. Nobody is mailed twice." in page
    assert campaigns(database) == [("finished", 4)]


def test_a_list_that_is_gone_leads_to_the_first_page(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    with database.engine.begin() as connection:
        connection.execute(delete(Membership))
        connection.execute(delete(MailingList))
    gone = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "The list of this draft is gone. Choose another list." in gone
    assert campaigns(database) == [("draft", 0)]
    for page in ("when", "approve", "look"):
        assert "There is no list yet" in wizard.browser.get(f"{wizard.path}/{page}").text


def test_a_draft_that_another_took_the_place_of_is_shown_as_it_is_now(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    form = wizard.form()
    wizard.draft()
    assert "It is on its way." in wizard.browser.post(f"{wizard.path}/go", **form).text, "it is just as it was seen"
    assert campaigns(database) == [("scheduled", 0)]


@pytest.mark.parametrize("at", ["2031-05-03T09:30", ""])
def test_copy_that_expires_before_the_send_stops_it(
    wizard: Wizard, may: SavedNewsletter, database: Database, daisychain: Daisychain, at: str
) -> None:
    """The day of the send counts: a scheduled one is refused now, and one that waited for a worker is paused."""
    last = "2031-05-01" if at else f"{datetime.now(UTC):%Y-%m-%d}"
    kit = copy_kit(daisychain, last)
    rewrite(database, may, "Dear", toolkit=kit)
    wizard.draft()
    wizard.plan(at=at)
    wizard.look()
    page = wizard.go()
    if at:
        assert "may be used until 2031-05-01 only" in page
        wizard.plan(at="2031-05-01T23:30")
        wizard.look()
        page = wizard.go()
        assert "It is scheduled." in page
        return
    with database.engine.begin() as connection:
        tomorrow = connection.execute(text("SELECT now() + interval '1 day'")).scalar_one()
        connection.execute(update(Campaign).values(starts_at=tomorrow - timedelta(minutes=1)))
        start_due_campaigns(connection, database.settings, tomorrow)
        assert "may be used until" in connection.execute(select(Campaign.pause_reason)).scalar_one()
    assert campaigns(database) == [("paused", 0)]


def copy_kit(daisychain: Daisychain, last: str) -> str:
    """Add the shipped toolkit under another name, whose welcome may be used until a day."""
    folder = daisychain.folder / "short-lived"
    copytree(SHIPPED / "community-makes-us", folder)
    welcome = folder / "copy" / "10-email-welcome.md"
    welcome.write_text(welcome.read_text().replace("version: 1\n", f"version: 1\nexpires: {last}\n"))
    sheet = folder / "toolkit.yml"
    sheet.write_text(sheet.read_text().replace("name: community-makes-us", "name: short-lived"))
    for path in (sheet, *folder.glob("copy/*.md")):  # as a coalition would make it its own
        path.write_text(re.sub("Example(?= Street|ton)", "High", path.read_text().replace(".example", ".org.uk")))
    daisychain("toolkit", "add", str(folder))
    return "short-lived"


def test_two_senders_who_press_at_once_send_once_and_each_has_a_message(
    wizard: Wizard, app: Flask, as_role: Callable[[str], Browser], database: Database
) -> None:
    wizard.draft()
    wizard.look()
    other = Wizard(as_role("admin"), wizard.newsletter)
    other.look()
    forms = [(each, each.form(), each.browser.token()) for each in (wizard, other)]
    barrier = Barrier(2)

    def press(given: tuple[Wizard, dict[str, str], str]) -> str:
        each, form, token = given
        barrier.wait()
        data, headers = {"csrf_token": token, **form}, {"Sec-Fetch-Site": "same-origin"}
        return each.browser.client.post(f"{each.path}/go", data=data, headers=headers, follow_redirects=True).text

    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(press, forms))
        said = sorted("Nobody is mailed twice." in page for page in pages)
        assert said == [False, True]
        assert sum("It is on its way." in page for page in pages) == 1
        list(pool.map(lambda _: start(database), range(2)))
    assert campaigns(database) == [("sending", 4)]
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 4
        assert connection.scalars(select(Decision.what)).all() == ["send"]


def test_a_worker_starts_it_by_its_job(wizard: Wizard, database: Database, daisychain: Daisychain) -> None:
    wizard.draft()
    wizard.look()
    wizard.go()
    for _ in range(2):  # the first may be idle before the batches have jobs
        daisychain("worker", "--until-idle")
    assert campaigns(database) == [("finished", 4)]


def test_a_send_that_no_worker_takes_up_for_an_hour_waits_for_a_person(wizard: Wizard, database: Database) -> None:
    wizard.draft()
    wizard.look()
    wizard.go()
    with database.engine.begin() as connection:
        connection.execute(update(Decision).values(at=text("now() - interval '2 hours'")))
        start_due_campaigns(connection, database.settings)
        campaign_id = connection.scalar(select(Campaign.id))
    assert campaigns(database) == [("paused", 0)]
    assert "Resumed." in wizard.browser.post(f"/desk/campaigns/{campaign_id}/resume").text
    start(database)
    assert campaigns(database) == [("sending", 4)]


def press(page: Page, label: str) -> None:
    """Tab to what has this label, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText").startswith(label):
            page.keyboard.press("Space" if page.evaluate("document.activeElement.type") == "radio" else "Enter")
            return
    pytest.fail(f"nothing with {label!r} can be reached by keyboard")


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "people")
def test_a_newsletter_is_sent_by_keyboard_alone_and_each_page_is_fit_for_everybody(
    opened_as: Callable[..., Page], url: str, database: Database, may: SavedNewsletter
) -> None:
    database.settings = replace(database.settings, public_url=url)  # where pictures are; the desk alone has none
    page, found = opened_as("admin"), {}
    page.route("**/i/*", lambda route: route.fulfill(body=b"", content_type="image/png"))
    page.goto(f"{url}/desk/newsletters/{may.id}/send/list")
    for button in ("supporters", "Check it for these people", "Go on", "Keep this plan", "Go on", "Send to 3 people"):
        for width, scheme in VIEWS if button != "supporters" else ():
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found[button, width, scheme] = broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page)
        with nullcontext() if button == "supporters" else page.expect_navigation():
            press(page, button)
    assert "It is on its way." in page.locator("main").inner_text()
    assert not {name: rules for name, rules in found.items() if rules}
