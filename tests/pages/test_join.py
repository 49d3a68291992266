"""Signing up on public pages: nobody learns who is on a list, no scanner confirms anybody, and no "no" is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from daisychain import database as frame
from daisychain.database import Database
from lists.lists import create_list
from lists.members import add_member, unsubscribe, unsubscribe_everywhere
from lists.sign_up.sign_up_form import add_wording, change_form, set_welcome
from lists.sign_up.tables import SignUp, SignUpWording
from lists.suppression import is_suppressed, suppress
from lists.tables import MailingList, Member, Membership, Restoration
from pages.app import create_app
from partners.registry import claim
from sender.system_mail.mail_queue import send_due_mails
from sender.system_mail.sign_up_mails import MAILS, NETWORK

ANN = "ann@people.example"


@pytest.fixture(autouse=True)
def lists(database: Database) -> None:
    with database.engine.begin() as connection:
        for name, who in (("supporters", "supporters"), ("members", "organisations")):
            sender = "Connection Coalition <news@coalition.example>"
            create_list(connection, name, sender=sender, reply_to="office@coalition.example")
            change_form(connection, name, by="Priya", is_open=True, who=who, toolkits=["community-makes-us"])


def sign_up(client: FlaskClient, address: str = ANN, name: str = "supporters", **fields: str) -> Any:
    return client.post(f"/join/{name}", data={"email": address, **fields})


def mails(database: Database) -> list[EmailMessage]:
    """The mails that were sent since the last call, the oldest first."""
    send_due_mails(database)
    folder = database.settings.home
    found = sorted(folder.rglob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    read = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]
    for path in found:
        path.unlink()
    return read


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def link_in(mail: EmailMessage) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/join/confirm/\S+)", words_of(mail))
    assert found, words_of(mail)
    return found[1]


def asked_link(client: FlaskClient, database: Database, address: str = ANN, name: str = "supporters", **f: str) -> str:
    assert sign_up(client, address, name, **f).status_code == 303
    [mail] = mails(database)
    return link_in(mail)


def standing(database: Database, address: str = ANN) -> dict[str, tuple[str, str]]:
    """The lists of an address, with state and basis."""
    with database.engine.connect() as connection:
        rows = connection.execute(
            select(MailingList.name, Membership.state, Membership.basis)
            .join(Membership, Membership.list_id == MailingList.id)
            .join(Member, Member.id == Membership.member_id)
            .where(Member.email == address)
        )
        return {name: (state, basis) for name, state, basis in rows}


def count(database: Database, table: Any) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def list_id(connection: Any, name: str = "supporters") -> int:
    return int(connection.scalar(select(MailingList.id).where(MailingList.name == name)))


def test_the_button_of_the_mailed_page_puts_somebody_on_the_list_with_the_words_that_were_shown(
    client: FlaskClient, database: Database
) -> None:
    form = client.get("/join/supporters").text
    assert "I would like to get emails from Connection Coalition" in form
    link = asked_link(client, database, first_name="Ann", wording=re.search(r'name="wording" value="(\d+)"', form)[1])  # type: ignore[index]
    page = client.get(link).text
    assert "I would like to get emails from Connection Coalition" in page
    assert "a•••@people.example" in page
    assert standing(database) == {}
    assert "You are on the list" in client.post(link).text
    assert standing(database) == {"supporters": ("subscribed", "consent")}
    with database.engine.connect() as connection:
        member = connection.execute(select(Member.__table__)).one()
        membership = connection.execute(select(Membership.__table__)).one()
        kept = connection.execute(select(SignUp.__table__)).one()
        wording = connection.execute(select(SignUpWording.__table__).where(SignUpWording.id == kept.wording_id)).one()
    assert (member.first_name, member.language) == ("Ann", "en")
    assert membership.source == f"sign-up {kept.id}: confirmed by email, wording 1 (en)"
    assert membership.consented_at is not None
    assert membership.collected_by == "Connection Coalition"
    assert kept.confirmed_at == kept.used_at == membership.joined_at
    assert wording.text.startswith("I would like to get emails")
    [welcome] = mails(database)
    assert welcome["Subject"] == "Welcome from Connection Coalition"
    assert (welcome["From"], welcome["Reply-To"]) == (
        "Connection Coalition <news@coalition.example>", "office@coalition.example",
    )  # fmt: skip
    assert "Reply to this email" in words_of(welcome)


Before = Callable[[Any], object]


def suppressed(reason: str) -> Before:
    return lambda connection: suppress(connection, ANN, reason, source="the provider")


def on_list(basis: str) -> Before:
    source = "" if basis == "unknown" else "a form"
    return lambda connection: add_member(connection, list_id(connection), ANN, basis=basis, source=source)


def left(*, everywhere: bool) -> Before:
    def leave(connection: Any) -> None:
        on_list("consent")(connection)
        member = connection.scalar(select(Member.id))
        if everywhere:
            unsubscribe_everywhere(connection, member, "one-click")
        else:
            unsubscribe(connection, list_id(connection), member, "one-click")

    return leave


# What an address may be before somebody types it, and which mail follows, if any.
KNOWN: dict[str, tuple[Before, str]] = {
    "unknown": (lambda connection: None, "confirm"),
    "subscribed": (on_list("consent"), "already"),
    "subscribed, on an unknown basis": (on_list("unknown"), "confirm"),
    "subscribed by a soft opt-in": (on_list("soft-opt-in-sale"), "already"),
    "unsubscribed": (left(everywhere=False), "confirm"),
    "unsubscribed from everything": (left(everywhere=True), "confirm"),
    "suppressed by staff": (suppressed("asked by phone"), "confirm"),
    "complained": (suppressed("complained: reported as spam"), "nothing"),
    "bounced": (suppressed("hard bounce"), "nothing"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_answer_is_the_same_byte_for_byte_whatever_is_known_of_an_address(
    client: FlaskClient, database: Database, name: str
) -> None:
    def answers(address: str) -> list[Any]:
        first = sign_up(client, address)
        second = client.get(first.headers["Location"])
        return [(each.status_code, each.data, sorted(each.headers.items())) for each in (first, second)]

    stranger = answers("nobody@people.example")
    mails(database)
    before, mail = KNOWN[name]
    with database.engine.begin() as connection:
        before(connection)
    assert answers(ANN) == stranger
    sent = mails(database)
    assert ["/join/confirm/" in words_of(each) for each in sent] == {
        "confirm": [True], "already": [False], "nothing": [],
    }[mail]  # fmt: skip
    assert count(database, SignUp) == 1 + (mail == "confirm")
    for each in sent:
        assert str(each["To"]) == ANN


@pytest.mark.parametrize("name", [name for name, (_, mail) in KNOWN.items() if mail == "confirm"])
def test_whoever_confirms_is_on_this_list_by_their_own_wish_and_the_change_is_kept(
    client: FlaskClient, database: Database, name: str
) -> None:
    with database.engine.begin() as connection:
        KNOWN[name][0](connection)
    client.post(asked_link(client, database))
    assert standing(database)["supporters"] == ("subscribed", "consent")
    with database.engine.connect() as connection:
        assert not is_suppressed(connection, ANN)
        kept = connection.execute(select(Restoration.how, Restoration.list_id, Restoration.because)).all()
    assert len(kept) == {"unsubscribed": 1, "unsubscribed from everything": 2, "suppressed by staff": 1}.get(name, 0)
    assert all(how == "sign-up form" for how, *_ in kept)


def test_who_was_suppressed_and_comes_back_to_one_list_gets_nothing_from_the_others(
    client: FlaskClient, database: Database
) -> None:
    with database.engine.begin() as connection:
        add_member(connection, list_id(connection, "members"), ANN, basis="consent", source="a form")
        suppress(connection, ANN, "asked by phone for nothing more", source="by staff")
    client.post(asked_link(client, database))
    assert standing(database) == {"supporters": ("subscribed", "consent"), "members": ("unsubscribed", "consent")}


@pytest.mark.parametrize("reason", ["complained: reported as spam", "hard bounce"])
def test_a_complaint_after_the_mail_is_not_lifted_by_the_button(
    client: FlaskClient, database: Database, reason: str
) -> None:
    link = asked_link(client, database)
    with database.engine.begin() as connection:
        suppress(connection, ANN, reason)
    assert "We can’t write to this address" in client.post(link).text
    assert "We can’t write to this address" in client.get(link).text
    assert standing(database) == {}
    assert mails(database) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_scanners_that_follow_links_confirm_nobody(client: FlaskClient, database: Database, method: str) -> None:
    link = asked_link(client, database)
    for _ in range(5):
        assert client.open(link, method=method).status_code == 200
    assert standing(database) == {}
    assert "You are on the list" in client.post(link).text


def test_a_link_works_once(client: FlaskClient, database: Database) -> None:
    link = asked_link(client, database)
    client.post(link)
    mails(database)
    with database.engine.begin() as connection:
        unsubscribe(connection, list_id(connection), connection.scalar(select(Member.id)), "one-click")
    for page in (client.post(link), client.get(link)):
        assert page.status_code == 200
        assert "This link was used" in page.text
        assert 'href="/join/supporters?language=en"' in page.text
    assert standing(database) == {"supporters": ("unsubscribed", "consent")}
    assert mails(database) == []


def test_an_older_link_of_the_same_person_ends_with_the_one_that_was_used(
    client: FlaskClient, database: Database
) -> None:
    first, second = asked_link(client, database), asked_link(client, database)
    assert first != second
    client.post(second)
    with database.engine.begin() as connection:
        unsubscribe(connection, list_id(connection), connection.scalar(select(Member.id)), "one-click")
    assert "This link was used" in client.post(first).text
    assert standing(database) == {"supporters": ("unsubscribed", "consent")}


def test_a_link_ends_after_seven_days_and_says_what_to_do(client: FlaskClient, database: Database) -> None:
    link = asked_link(client, database)
    for days, code in (("6 days 23 hours", 200), ("7 days 1 hour", 410)):
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE sign_ups SET asked_at = now() - CAST(:age AS interval)"), {"age": days})
        assert client.get(link).status_code == code
    page = client.post(link)
    assert page.status_code == 410
    assert 'href="/join/supporters?language=en"' in page.text
    assert standing(database) == {}


TAMPERED: dict[str, Callable[[str], str]] = {
    "cut off": lambda link: link[:-1],
    "longer": lambda link: link + "A",
    "other letters": lambda link: link[:-3] + ("AAA" if link[-3:] != "AAA" else "BBB"),
    "in other case": lambda link: "/join/confirm/" + link.rpartition("/")[2].swapcase(),
    "the stored hash": lambda link: "/join/confirm/" + "0" * 64,
    "a number": lambda link: "/join/confirm/1",
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_link_that_was_changed_opens_nothing(client: FlaskClient, database: Database, how: str) -> None:
    link = TAMPERED[how](asked_link(client, database))
    for page in (client.get(link), client.post(link)):
        assert page.status_code == 404
        assert "This link does not work" in page.text
    assert standing(database) == {}


def test_the_link_of_one_list_puts_nobody_on_another(client: FlaskClient, database: Database) -> None:
    link = asked_link(client, database, name="members", organisation="Bees of Bath")
    client.post(link.replace("/join/confirm/", "/join/supporters/"))
    client.post(link, data={"list": "supporters", "name": "supporters"})
    assert standing(database) == {"members": ("subscribed", "consent")}


def test_a_confirmation_that_waits_for_an_import_can_be_repeated_after_it(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "LOCK_BRIEF", "50ms")
    link = asked_link(client, database)
    with database.engine.begin() as importing:
        add_member(importing, list_id(importing), ANN, basis="consent", source="a file")
        answer = client.post(link, headers={"Accept": "text/html"})
        importing.rollback()
    assert (answer.status_code, "try again in a few minutes" in answer.text) == (503, True)
    assert "You are on the list" in client.post(link).text


def test_of_two_clicks_at_once_one_confirms_and_one_welcome_is_mailed(app: Flask, database: Database) -> None:
    link = asked_link(app.test_client(), database)
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda _: app.test_client().post(link).text, range(6)))
    assert sum("You are on the list" in page for page in pages) == 1
    assert sum("This link was used" in page for page in pages) == 5
    assert len(mails(database)) == 1


SPELLINGS = ["ann@people.example", "ANN@people.example", "a.n.n@people.example", "ann+1@people.example",
             "a.nn+2@People.example", " ann@people.example "]  # fmt: skip


def test_an_address_gets_three_mails_a_day_however_it_is_spelled_and_the_answer_stays_the_same(
    database: Database,
) -> None:
    apps = [create_app(database).test_client() for _ in range(2)]
    answers = {
        (answer.status_code, answer.headers["Location"])
        for number, address in enumerate(SPELLINGS)
        for answer in [sign_up(apps[number % 2], address)]
    }
    assert len(answers) == 1
    assert len(mails(database)) == MAILS.most == count(database, SignUp)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE try_counters SET since = now() - interval '25 hours'"))
    sign_up(apps[0])
    assert len(mails(database)) == 1


def test_a_network_is_told_to_wait_and_others_are_not(app: Flask, database: Database) -> None:
    apps = [create_app(database).test_client() for _ in range(2)]
    for number in range(NETWORK.most):
        at = {"REMOTE_ADDR": f"198.51.100.{number}"}
        data = {"email": f"n{number}@people.example"}
        assert apps[number % 2].post("/join/supporters", data=data, environ_base=at).status_code == 303
    late = apps[0].post("/join/supporters", data={"email": ANN}, environ_base={"REMOTE_ADDR": "198.51.100.200"})
    assert late.status_code == 429
    assert "Please try again in an hour" in late.text
    elsewhere = apps[0].post("/join/supporters", data={"email": ANN}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert elsewhere.status_code == 303
    assert count(database, SignUp) == NETWORK.most + 1


def test_a_program_in_the_trap_gets_the_same_answer_and_nothing_is_kept(
    client: FlaskClient, database: Database
) -> None:
    person = sign_up(client)
    mails(database)
    program = sign_up(client, "bot@people.example", homepage="https://pills.example")
    assert (program.status_code, program.headers["Location"]) == (person.status_code, person.headers["Location"])
    assert count(database, SignUp) == 1
    assert mails(database) == []
    field = re.search(r'<input[^>]*name="homepage"[^>]*>', client.get("/join/supporters").text)
    assert field
    assert 'tabindex="-1"' in field[0]
    assert 'autocomplete="off"' in field[0]


NAMES = {
    "a link": "https://pills.example/now",
    "a link without a scheme": "Ann www.pills.example",
    "an address": "ann@pills.example",
    "a path": "pills.example/now",
    "a tag": "<img src=x onerror=alert(1)>",
    "a field": "{{ member.email }}",
    "another tool's field": "*|FNAME|*",
    "a header": "Ann\r\nBcc: all@people.example",
    "a line end": "Ann\nBuy now",
    "a NUL": "Ann\0",
    "a turn of direction": "Ann\u202egnp.exe",
    "an invisible character": "A\u200bnn",
    "far too long": "A" * 61,
    "absurdly long": "A" * 50_000,
    "a formula": "=HYPERLINK(1)",
    "a line separator": "Ann\u2028Buy",
}


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("field", ["first_name", "last_name", "organisation"])
def test_what_no_name_holds_is_refused_beside_its_field_and_keeps_the_rest(
    client: FlaskClient, database: Database, field: str, what: str
) -> None:
    if field == "organisation" and what in ("an address", "a path", "far too long"):
        return  # organisations are called Change.org/UK, or Bees @ Work, and need more letters
    fields = {"organisation": "Bees of Bath", field: NAMES[what]}
    page = sign_up(client, name="members", **fields)
    assert page.status_code == 422
    assert f'id="{field}-wrong"' in page.text
    assert f'value="{ANN}"' in page.text
    assert "<img src=x" not in page.text
    assert count(database, SignUp) == 0
    assert mails(database) == []


@pytest.mark.parametrize("name", [
    "Ann", "Siân", "O’Hara-Smith", "Ann & Bob", "J. R. R.", "李小龍", "محمد", "नरेन्द्र", "می‌خواهم", "Æthelred II", "",
])  # fmt: skip
def test_people_have_the_names_that_they_have(client: FlaskClient, database: Database, name: str) -> None:
    client.post(asked_link(client, database, first_name=name))
    with database.engine.connect() as connection:
        assert connection.scalar(select(Member.first_name)) == name


ADDRESSES = ["", "ann", "ann@", "@people.example", "ann@people", "ann@people.example, bob@people.example", "a b@c.de",
             "ann@people.example\r\nBcc: bob@people.example", "Ann <ann@people.example>", "a" * 400 + "@people.example",
             "ann\0@people.example", "\"><script>alert(1)</script>@people.example"]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_address_is_refused_with_a_sentence_and_gets_no_mail(
    client: FlaskClient, database: Database, address: str
) -> None:
    page = sign_up(client, address)
    assert page.status_code == 422
    assert "This is not an email address" in page.text
    assert "<script>" not in page.text
    assert mails(database) == []


def test_no_word_that_a_stranger_typed_is_in_the_mail(client: FlaskClient, database: Database) -> None:
    typed = {"first_name": "Zzyzxfirst", "last_name": "Zzyzxlast", "organisation": "Zzyzxorganisation",
             "partner": "zzyzx-code", "language": "zzyzx"}  # fmt: skip
    sign_up(client, name="members", **typed)
    [mail] = mails(database)
    whole = f"{mail}{words_of(mail)}{mail.get_body(('html',))}".lower()
    assert "zzyzx" not in whole
    client.post(link_in(mail))
    [welcome] = mails(database)
    assert "zzyzx" not in f"{welcome}{words_of(welcome)}".lower()


def test_a_form_on_another_site_works_without_cookie_and_shows_our_page(app: Flask, database: Database) -> None:
    browser = app.test_client(use_cookies=False)
    headers = {"Origin": "https://bees.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
               "Referer": "https://bees.example/"}  # fmt: skip
    data = {"email": ANN, "partner": "bees-of-bath", "wording": "1"}
    answer = browser.post("/join/supporters", data=data, headers=headers, follow_redirects=True)
    assert "Now look in your mailbox" in answer.text
    assert "Set-Cookie" not in answer.headers
    [mail] = mails(database)
    done = browser.post(link_in(mail), headers={"Sec-Fetch-Site": "same-origin"})
    assert "You are on the list" in done.text
    with database.engine.connect() as connection:
        assert connection.scalar(select(SignUp.partner)) == "bees-of-bath"


def test_the_wording_of_an_older_form_is_the_one_that_is_kept_and_shown_again(
    client: FlaskClient, database: Database
) -> None:
    with database.engine.begin() as connection:
        add_wording(connection, "supporters", "I want all the news.", by="Priya")
        other = connection.scalar(select(SignUpWording.id).join(MailingList).where(MailingList.name == "members"))
    old = asked_link(client, database, "old@people.example", wording="1")
    assert "I would like to get emails" in client.get(old).text
    for given in ("", "999", str(other), "x", "9" * 30, "-1"):
        new = asked_link(client, database, f"n{len(given)}{given[:1]}@people.example".replace("-", "m"), wording=given)
        assert "I want all the news." in client.get(new).text
    client.post(old)
    with database.engine.connect() as connection:
        assert "wording 1 (en)" in str(connection.scalar(select(Membership.source)))


@pytest.mark.parametrize(("language", "button"), [("cy", "Cofrestrwch fi"), ("ar", "سجّلني"), ("hi", "मुझे जोड़ें")])
def test_pages_and_mails_are_in_the_language_of_the_form(
    client: FlaskClient, database: Database, language: str, button: str
) -> None:
    with database.engine.begin() as connection:
        add_wording(connection, "supporters", f"Words in {language}.", by="Priya", language=language)
    form = client.get("/join/supporters", headers={"Accept-Language": language})
    assert button in form.text
    assert f"Words in {language}." in form.text
    link = asked_link(client, database, language=language)
    page = client.get(link).text
    assert f'<html lang="{language}"' in page
    assert ('dir="rtl"' in page) == (language == "ar")
    client.post(link)
    with database.engine.connect() as connection:
        assert connection.scalar(select(Member.language)) == language
    [welcome] = mails(database)
    assert "Welcome" not in welcome["Subject"]


def test_a_welcome_mail_of_ones_own_has_the_way_to_leave(client: FlaskClient, database: Database) -> None:
    with database.engine.begin() as connection:
        set_welcome(connection, "supporters", "Subject: Good to have you\n\nDear friend,\n\nthank you.", by="Priya")
    client.post(asked_link(client, database))
    [welcome] = mails(database)
    assert welcome["Subject"] == "Good to have you"
    assert words_of(welcome).startswith("Dear friend,\n\nthank you.\n\nChanged your mind?")


def test_a_closed_form_says_so_and_takes_nobody(client: FlaskClient, database: Database) -> None:
    link = asked_link(client, database)
    with database.engine.begin() as connection:
        change_form(connection, "supporters", by="Priya", is_open=False)
    for page in (client.get("/join/supporters"), sign_up(client, "bob@people.example")):
        assert page.status_code == 404
        assert "Sign-up is closed" in page.text
    assert mails(database) == []
    # Somebody who asked while it was open is still welcome.
    assert "You are on the list" in client.post(link).text


@pytest.mark.parametrize(
    "path", ["/join/nothing", "/join/", "/join/a%00b", "/join/%3Cscript%3E", "/toolkits/none/join"]
)
def test_a_list_without_a_form_leads_nowhere(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_toolkit_asks_who_somebody_is_and_leads_to_the_form_with_the_partners_code(
    client: FlaskClient, database: Database
) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees of Bath"}])
    page = client.get("/toolkits/community-makes-us/join?partner=bees-of-bath")
    assert "Join as an organisation" in page.text
    [link] = re.findall(r'href="(/join/supporters\?[^"]+)"', page.text)
    form = client.get(link.replace("&amp;", "&")).text
    assert 'name="partner" value="bees-of-bath"' in form
    with database.engine.begin() as connection:
        change_form(connection, "members", by="Priya", is_open=False)
    only = client.get("/toolkits/community-makes-us/join")
    assert only.headers["Location"].startswith("/join/supporters?")
    with database.engine.begin() as connection:
        change_form(connection, "supporters", by="Priya", is_open=False)
    own = client.get("/toolkits/community-makes-us/join")
    assert own.headers["Location"] == "https://connectioncoalition.example/join"


def test_the_link_to_join_that_is_shared_leads_to_the_form_while_there_is_one(
    client: FlaskClient, database: Database
) -> None:
    own = "https://connectioncoalition.example/join"
    shared = r'id="link-\d" href="([^"]*/join)"'
    page = client.get("/toolkits/community-makes-us").text
    assert re.findall(shared, page) == ["http://127.0.0.1:8000/toolkits/community-makes-us/join"]
    with database.engine.begin() as connection:
        for name in ("members", "supporters"):
            change_form(connection, name, by="Priya", is_open=False)
    assert re.findall(shared, client.get("/toolkits/community-makes-us").text) == [own]


def test_a_toolkit_has_the_form_to_paste_into_a_partners_site_with_its_code(
    client: FlaskClient, database: Database
) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees of Bath"}])
    page = html.unescape(client.get("/toolkits/community-makes-us/website?partner=bees-of-bath").text)
    assert '<form action="http://127.0.0.1:8000/join/supporters" method="post"' in page
    assert '<input type="hidden" name="partner" value="bees-of-bath">' in page
    assert "/join/members" not in page


def test_nothing_of_a_person_is_in_a_log_or_an_address(
    client: FlaskClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    answer = sign_up(client, first_name="Zzyzx")
    assert "ann" not in answer.headers["Location"]
    [mail] = mails(database)
    client.post(link_in(mail))
    assert ANN not in caplog.text
    with database.engine.connect() as connection:
        assert b"203.0.113" not in (connection.scalar(select(SignUp.network_hash)) or b"")
        assert link_in(mail).rpartition("/")[2].encode() not in (connection.scalar(select(SignUp.token_hash)) or b"")


def test_a_request_holds_one_connection_at_a_time(client: FlaskClient, database: Database) -> None:
    """Each thread of a web process counts on one."""
    link = asked_link(client, database)
    held, most = 0, 0

    def out(*_: Any) -> None:
        nonlocal held, most
        held += 1
        most = max(most, held)

    def back(*_: Any) -> None:
        nonlocal held
        held -= 1

    event.listen(database.engine, "checkout", out)
    event.listen(database.engine, "checkin", back)
    for answer in (sign_up(client), sign_up(client, "no address"), client.get(link), client.post(link)):
        assert answer.status_code in (200, 303, 422)
    assert (held, most) == (0, 1)


@pytest.mark.parametrize("code", ["x" * 50_000, "\r\nX: y", "\0", "//evil.example", "a b", "Bees"])
def test_only_what_can_be_a_partners_code_goes_on_in_addresses(client: FlaskClient, code: str) -> None:
    answer = sign_up(client, partner=code, toolkit=code)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/join/asked/supporters?language=en"
    assert sign_up(client, "bob@people.example", partner="bees-of-bath").headers["Location"].endswith("bees-of-bath")


@pytest.mark.parametrize(
    ("closed", "says"),
    [
        ((), "is stronger with you: as a supporter, or as an organisation."),
        (("members",), "is stronger with you: as a supporter."),
        (("supporters",), "is stronger with you: as an organisation."),
        (("supporters", "members"), "is stronger with you."),
    ],
)
def test_a_toolkit_s_page_offers_only_the_ways_to_join_that_are_open(
    client: FlaskClient, database: Database, closed: tuple[str, ...], says: str
) -> None:
    with database.engine.begin() as connection:
        for name in closed:
            change_form(connection, name, by="Priya", is_open=False)
    assert says in client.get("/toolkits/community-makes-us").text
