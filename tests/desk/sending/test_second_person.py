"""A send that a second person approves first: who may, what voids it, and what they are shown."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text

from accounts.tables import StaffAccount
from daisychain.database import Database
from daisychain.errors import StateError
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, load
from newsletters.stored.saving import save
from newsletters.stored.versions import mark
from sender.campaigns.approvals import answer, ask, content_of
from sender.campaigns.campaign_record import find_campaign
from sender.tables import Approval, Campaign
from tests.command import Daisychain
from tests.desk.sending.wizard import Wizard, campaigns, leave, rewrite
from tests.desk.staff import Browser


def ask_priya(wizard: Wizard, database: Database) -> None:
    with database.engine.connect() as connection:
        priya = connection.scalar(select(StaffAccount.id).where(StaffAccount.name == "Priya"))
    page = wizard.browser.post(f"{wizard.path}/approve/ask", approver=str(priya)).text
    assert "Priya is asked." in page


def say(approver: Browser, wizard: Wizard, answer: str, because: str = "") -> str:
    approver.get(f"{wizard.path}/approve")
    return approver.post(f"{wizard.path}/approve", seen=approver.hidden("seen"), answer=answer, because=because).text


def test_a_send_waits_for_a_second_person_who_is_not_who_asked(
    strict: None, wizard: Wizard, approver: Browser, database: Database
) -> None:
    wizard.draft()
    assert "A second person has to approve this first." in wizard.look()
    ask_priya(wizard, database)
    assert "waits for your yes" in approver.get("/desk/").text
    assert "waits for your yes" not in wizard.browser.get("/desk/").text
    own = wizard.browser.get(f"{wizard.path}/approve").text
    assert "Do not approve" not in own
    approved = say(approver, wizard, "yes")
    assert "Approved." in approved
    assert "Nobody else here may approve" not in approved
    assert "Priya approved it" in wizard.browser.get("/desk/").text
    assert "Priya approved it" not in approver.get("/desk/").text
    assert "Priya approved it" in wizard.look()
    assert "It is on its way." in wizard.go()
    assert "Priya approved it" not in wizard.browser.get("/desk/").text


def test_a_no_needs_a_reason_and_is_shown_to_who_asked(
    strict: None, wizard: Wizard, approver: Browser, database: Database
) -> None:
    wizard.draft()
    ask_priya(wizard, database)
    assert "Say why not" in say(approver, wizard, "no")
    assert "Not approved." in say(approver, wizard, "no", "The date is wrong")
    assert "The date is wrong" in wizard.browser.get(f"{wizard.path}/approve").text
    assert "Priya did not approve it: The date is wrong" in wizard.browser.get("/desk/").text
    assert "A second person has to approve this first." in wizard.look()


def test_any_change_voids_a_yes_and_says_what_changed_and_no_change_keeps_it(
    strict: None, wizard: Wizard, approver: Browser, may: SavedNewsletter, database: Database, daisychain: Daisychain
) -> None:
    wizard.draft()
    ask_priya(wizard, database)
    say(approver, wizard, "yes")
    wizard.draft()
    assert "Priya approved it" in wizard.look()
    rewrite(database, may, "Hello")
    wizard.draft()
    page = wizard.look()
    assert "the text in en has changed" in page
    assert "Send to 3" not in page
    ask_priya(wizard, database)
    say(approver, wizard, "yes")
    leave(daisychain, "cat")
    assert "it goes to 2 people now, not 3" in wizard.look()


def test_a_yes_to_what_has_changed_since_the_page_was_shown_is_refused(
    wizard: Wizard, approver: Browser, daisychain: Daisychain, database: Database
) -> None:
    wizard.draft()
    ask_priya(wizard, database)
    approver.get(f"{wizard.path}/approve")
    leave(daisychain, "cat")
    page = approver.post(f"{wizard.path}/approve", seen=approver.hidden("seen"), answer="yes").text
    assert "it goes to 2 people now, not 3" in page
    with database.engine.connect() as connection:
        assert connection.scalars(select(Approval.answer)).all() == ["asked"]


def test_a_yes_of_an_account_that_was_removed_counts_no_more(
    strict: None, wizard: Wizard, approver: Browser, database: Database
) -> None:
    wizard.draft()
    ask_priya(wizard, database)
    say(approver, wizard, "yes")
    wizard.look()
    form = wizard.form()
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM accounts WHERE name = 'Priya'"))
    page = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "Priya approved this, but has no account any more that may." in page
    assert campaigns(database) == [("draft", 0)]


def test_a_yes_is_to_the_plan_too(strict: None, wizard: Wizard, approver: Browser, database: Database) -> None:
    wizard.draft()
    wizard.plan(at="2031-01-01T09:30", canary="2", wait="3600")
    ask_priya(wizard, database)
    page = approver.get(f"{wizard.path}/approve").text
    assert "Wed 1 Jan 2031, 09:30 GMT" in page
    assert "2 people first" in page
    say(approver, wizard, "yes")
    wizard.look()
    form = wizard.form()
    wizard.plan(at="2031-01-02T09:30", canary="2", wait="3600")
    assert "the time has changed" in wizard.browser.get(f"{wizard.path}/approve").text
    page = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "<mark>The time has changed</mark>" in page
    assert "Priya approved this before it changed: the time has changed. Ask again." in page
    wizard.plan(at="2031-01-01T09:30", canary="2", wait="3600")
    wizard.look()
    assert "It is scheduled." in wizard.go(), "it is again what the yes was to"
    with database.engine.connect() as connection:
        campaign_id = connection.scalar(select(Campaign.id))
    page = wizard.browser.post(f"/desk/campaigns/{campaign_id}/plan", at="2031-01-03T09:30").text
    assert "the time has changed. Ask again." in page
    assert "Make it a draft again" in page


def test_whoever_wrote_last_is_no_second_person(
    strict: None, wizard: Wizard, approver: Browser, may: SavedNewsletter, database: Database
) -> None:
    with database.engine.begin() as connection:
        now = load(connection, may.id)
        changed = Change({"": now.contents.texts[""].replace("Dear", "Hello")})
        save(connection, may.id, now.version, changed, who="Priya")
    wizard.draft()
    page = wizard.browser.get(f"{wizard.path}/approve").text
    assert ">Priya</option>" not in page
    with database.engine.begin() as connection:
        draft = connection.scalars(select(Campaign.id)).one()
        ask(connection, draft, who="Sam", who_id=99)
    assert "waits for your yes" not in approver.get("/desk/").text
    assert "Do not approve" not in approver.get(f"{wizard.path}/approve").text
    with database.engine.begin() as connection:
        seen = content_of(connection, find_campaign(connection, draft))
    with database.engine.begin() as connection, pytest.raises(StateError, match="you changed the newsletter last"):
        answer(connection, draft, yes=True, who="Priya", who_id=98, seen=seen, people=3)


def test_the_approver_sees_three_members_mails_exclusions_overrides_and_what_changed_since_the_test(
    wizard: Wizard, approver: Browser, may: SavedNewsletter, database: Database
) -> None:
    with database.engine.begin() as connection:
        mark(connection, load(connection, may.id), "tested")
    rewrite(database, may, "[Add a greeting] Dear")
    found = re.findall(r'name="(because-[^"]+)"', wizard.browser.get(f"{wizard.path}/checks?list=supporters").text)
    wizard.draft(**dict.fromkeys(found, "It is meant"))
    ask_priya(wizard, database)
    page = approver.get(f"{wizard.path}/approve").text
    for part in (
        "3 of supporters",
        "1 excluded: 1 left",
        "It is meant",
        "changed since",
        "+[Add a greeting] Dear",
    ):
        assert part in page, part
    frames = re.findall(r'<iframe[^>]+src="([^"]+)"', page)
    assert len(frames) == 3
    mails = [approver.get(frame) for frame in frames]
    assert len({mail.text for mail in mails}) == 3
    assert any("Dear ann" in mail.text for mail in mails)
    assert "sandbox" in mails[0].headers["Content-Security-Policy"]
    assert approver.get(f"{wizard.path}/approve/mail/4").status_code == 404, "dan has left"
