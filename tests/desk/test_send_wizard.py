"""The send wizard: list, checks, second look, when, look and send; nobody is mailed twice, or unseen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from accounts.tables import AccountSession, AuditLine, StaffAccount
from daisychain.database import Database
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import SavedNewsletter, create, load
from newsletters.stored.saving import save
from sender.tables import Approval, Campaign, Decision, Delivery, Override
from tests.command import Daisychain
from tests.desk.staff import Browser, make_account, sign_in

TEXT = """---
subject: Kindness, next door
preheader: Three small things.
toolkit: community-makes-us
title: May bulletin
---
Dear {{ member.first_name | default("friend") }},

::: copy welcome

::: button "Join us" href="{{ toolkit.links['join'] }}"
"""


@dataclass
class Wizard:
    """The wizard's pages of one newsletter, in a sender's browser."""

    browser: Browser
    newsletter: SavedNewsletter

    @property
    def path(self) -> str:
        return f"/desk/newsletters/{self.newsletter.id}/send"

    def draft(self, **fields: str) -> str:
        """Go through the checks."""
        return self.browser.post(f"{self.path}/checks", list="supporters", **fields).text

    def look(self, **asked: str) -> str:
        """Open the last page."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return self.browser.get(f"{self.path}/look?{query}").text

    def form(self) -> dict[str, str]:
        """The hidden fields of the last page's button."""
        return {name: self.browser.hidden(name) for name in ("campaign", "seen", "at", "canary", "wait")}

    def go(self, **fields: str) -> str:
        """Press the button."""
        return self.browser.post(f"{self.path}/go", **{**self.form(), **fields}).text


@pytest.fixture
def people(daisychain: Daisychain) -> None:
    """A list with four people, of whom one has left."""
    daisychain("list", "create", "supporters", "--from", "Coalition <news@coalition.example>")
    names = "\n".join(f"{name}@gmail.example,{name}" for name in ("ann", "bob", "cat", "dan"))
    (daisychain.folder / "people.csv").write_text(f"email,first_name\n{names}\n")
    daisychain("list", "import", "supporters", "people.csv", "--basis", "consent", "--source", "paper")
    leave(daisychain, "dan")


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May bulletin", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def wizard(as_role: Callable[[str], Browser], may: SavedNewsletter, people: None) -> Wizard:
    browser = as_role("sender")
    browser.get("/desk/newsletters")
    return Wizard(browser, may)


def campaigns(database: Database) -> list[tuple[str, int]]:
    with database.engine.connect() as connection:
        rows = connection.execute(select(Campaign.state, Campaign.intended).order_by(Campaign.id))
        return [tuple(row) for row in rows]


def rewrite(database: Database, newsletter: SavedNewsletter, words: str) -> None:
    with database.engine.begin() as connection:
        now = load(connection, newsletter.id)
        change = Change({"": now.contents.texts[""].replace("Dear", words)})
        save(connection, newsletter.id, now.version, change, who="Sam")


def leave(daisychain: Daisychain, name: str) -> None:
    daisychain("list", "unsubscribe", "supporters", f"{name}@gmail.example")


def test_a_newsletter_is_sent_in_five_pages_and_the_button_says_the_number(wizard: Wizard, database: Database) -> None:
    page = wizard.browser.get(f"{wizard.path}/list").text
    assert "3 people" in page
    assert "1 excluded: 1 unsubscribed" in page
    assert "Checked for supporters, 3 people" in wizard.browser.get(f"{wizard.path}/checks?list=supporters").text
    assert "Second look" in wizard.draft()
    assert "At what time?" in wizard.browser.get(f"{wizard.path}/when").text
    page = wizard.look()
    for part in ("Send to 3 people", "Kindness, next door", "consent 3", "not as it is now", "news@coalition.example"):
        assert part in page
    assert "3 people" not in page.split("Send to 3 people")[1]
    page = wizard.go()
    assert "On its way" in page
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
    assert "On its way" in wizard.browser.post(f"{wizard.path}/go", **form).text
    again = wizard.browser.post(f"{wizard.path}/go", **form).text
    assert "Nobody is mailed twice." in again
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
    assert "On its way" in wizard.go()
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
    assert "Second look" in wizard.draft(**dict.fromkeys(found, "It is meant"))
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
    assert "is past" in wizard.look(at="2020-01-01T09:30")
    page = wizard.look(at="2031-01-01T09:30", canary="2", wait="1h")
    assert "Send to 3 people at 2031-01-01 09:30" in page
    assert "2 people first, the rest after 1h" in page
    assert "Scheduled" in wizard.go()
    with database.engine.connect() as connection:
        row = connection.execute(select(Campaign.state, Campaign.canary, Campaign.canary_wait)).one()
    assert tuple(row) == ("scheduled", 2, 3600)


def test_a_few_first_is_preset_for_many_people(wizard: Wizard, monkeypatch: pytest.MonkeyPatch) -> None:
    wizard.draft()
    assert 'name="canary" value=""' in wizard.browser.get(f"{wizard.path}/when").text
    monkeypatch.setattr("desk.send_wizard.send_look.CANARY_FROM", 2)
    assert 'name="canary" value="100"' in wizard.browser.get(f"{wizard.path}/when").text


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
    assert "On its way" in wizard.go(repeats="yes")


@pytest.fixture
def strict(database: Database) -> None:
    """Every send needs a second person."""
    from dataclasses import replace

    database.settings = replace(database.settings, approval="always")


@pytest.fixture
def approver(app: Flask, database: Database) -> Browser:
    """Priya, who may approve."""
    browser = Browser(app)
    account_id, secret = make_account(database, "admin", name="Priya")
    assert sign_in(database, browser, account_id, secret).status_code == 200
    return browser


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
    assert "Approved." in say(approver, wizard, "yes")
    assert "Priya approved it" in wizard.look()
    assert "On its way" in wizard.go()


def test_a_no_needs_a_reason_and_is_shown_to_who_asked(
    strict: None, wizard: Wizard, approver: Browser, database: Database
) -> None:
    wizard.draft()
    ask_priya(wizard, database)
    assert "Say why not" in say(approver, wizard, "no")
    assert "Not approved." in say(approver, wizard, "no", "The date is wrong")
    assert "The date is wrong" in wizard.browser.get(f"{wizard.path}/approve").text
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
