"""The unsubscribe page: the form, the one click of a mail program, and what leaves everything as it was."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, event, select, text, update

from daisychain.database import Database
from daisychain.web.translated_phrases import phrases_for
from lists.members import unsubscribe
from lists.suppression import is_suppressed, suppress
from lists.tables import MailingList, Member, Membership, Restoration, Suppression
from newsletters.compose.page_look import page_look
from newsletters.toolkits.brand import DEFAULT_COLOURS, Brand
from pages.phrases import UNSUBSCRIBE
from sender.events.unsubscribe import masked
from sender.links.keys import KeyKind
from sender.tables import Rollup
from tests.public_pages import public_app
from tests.sender.returns import Sent, letter, sent

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def subscribed(campaign: Sent) -> list[int]:
    """The numbers of those who are still on a list."""
    with campaign.database.engine.connect() as connection:
        members = connection.scalars(select(Membership.member_id).where(Membership.state == "subscribed"))
        return sorted(campaign.members.index(member) for member in members)


def kinds(campaign: Sent) -> list[str]:
    return [event.kind for event in campaign.events()]


def leave(client: FlaskClient, key: str, scope: str, **options: Any) -> Any:
    """Fill the form in as a person does, whose browser need not take cookies."""
    form = client.get(f"/u/{key}", **options)
    action = re.search(r'<form [^>]*action="([^"]+)"', form.text)
    assert action
    done = client.application.test_client(use_cookies=False).post(action[1], data={"scope": scope}, **options)
    assert "Set-Cookie" not in form.headers
    assert "Set-Cookie" not in done.headers
    return done


def test_asking_to_leave_changes_nothing_and_shows_a_masked_address(client: FlaskClient, campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(update(MailingList).values(title="Friends of the daisy"))
    page = client.get(f"/u/{campaign.unsubscribe()}").text
    assert "No more emails from the list “Friends of the daisy”" in page
    assert "already" not in page
    assert "All lists of Connection Coalition" in page
    assert "p•••@people.example" in page
    assert campaign.address() not in page
    assert subscribed(campaign) == [0, 1, 2]
    assert not campaign.events()


@pytest.mark.parametrize(("scope", "suppressed"), [("list", False), ("all", True)])
def test_the_form_takes_a_person_off_this_list_or_all(
    client: FlaskClient, campaign: Sent, database: Database, scope: str, suppressed: bool
) -> None:
    for _ in range(2):
        page = leave(client, campaign.unsubscribe(), scope)
        assert page.status_code == 200
        assert "You have unsubscribed" in page.text
        assert campaign.address() not in page.text
    assert subscribed(campaign) == [1, 2]
    assert kinds(campaign) == ["unsubscribed"]
    assert campaign.rollup().unsubscribed_at is not None
    with database.engine.connect() as connection:
        assert is_suppressed(connection, campaign.address()) is suppressed


def undo(client: FlaskClient, page: str) -> Any:
    """Press “That was a mistake”."""
    action = re.search(r'<form (?:id="undo" )?method="post" action="([^"]+)"', page)
    assert action
    return client.post(action[1])


def restorations(campaign: Sent) -> list[tuple[int | None, str]]:
    with campaign.database.engine.connect() as connection:
        rows = connection.execute(select(Restoration.list_id, Restoration.how).order_by(Restoration.id))
        return [(row.list_id, row.how) for row in rows]


@pytest.mark.parametrize(("scope", "restored"), [("list", 1), ("all", 2)])
def test_a_mistake_can_be_undone_without_a_cookie(
    app: Flask, client: FlaskClient, campaign: Sent, scope: str, restored: int
) -> None:
    page = leave(client, campaign.unsubscribe(), scope).text
    answer = undo(app.test_client(use_cookies=False), page)
    assert "You are subscribed again" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert subscribed(campaign) == [0, 1, 2]
    assert len(restorations(campaign)) == restored
    with campaign.database.engine.connect() as connection:
        assert not is_suppressed(connection, campaign.address())
    assert "Nothing was changed" in undo(client, page).text
    assert len(restorations(campaign)) == restored


def test_undoing_restores_only_what_that_click_changed(client: FlaskClient, campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        suppress(connection, campaign.address(), "asked by phone", source="by staff")
    leave(client, campaign.unsubscribe(), "list")
    page = leave(client, campaign.unsubscribe(), "all").text
    answer = undo(client, page).text
    assert "Your click was undone" in answer
    assert "will write to you again" not in answer
    assert subscribed(campaign) == [0, 1, 2]
    with campaign.database.engine.connect() as connection:
        assert is_suppressed(connection, campaign.address())


@pytest.mark.parametrize("scope", ["list", "all"])
@pytest.mark.parametrize("reason", ["complained", "asked by phone"])
def test_a_no_after_the_click_stays_when_the_click_is_undone(
    client: FlaskClient, campaign: Sent, scope: str, reason: str
) -> None:
    page = leave(client, campaign.unsubscribe(), scope).text
    with campaign.database.engine.begin() as connection:
        suppress(connection, campaign.address(), reason, source="about another mail")
    assert "will write to you again" not in undo(client, page).text
    with campaign.database.engine.connect() as connection:
        assert connection.scalar(select(Suppression.reason)) == reason


def test_a_later_unsubscribe_by_another_way_is_not_undone(client: FlaskClient, campaign: Sent) -> None:
    page = leave(client, campaign.unsubscribe(), "list").text
    client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK)
    assert "Nothing was changed" in undo(client, page).text
    assert subscribed(campaign) == [1, 2]


def test_of_two_clicks_only_the_second_is_undone(client: FlaskClient, campaign: Sent) -> None:
    leave(client, campaign.unsubscribe(), "list")
    undo(client, leave(client, campaign.unsubscribe(), "all").text)
    assert subscribed(campaign) == [1, 2]
    with campaign.database.engine.connect() as connection:
        assert not is_suppressed(connection, campaign.address())


def test_nothing_is_undone_after_a_complaint(client: FlaskClient, campaign: Sent) -> None:
    page = leave(client, campaign.unsubscribe(), "all").text
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Rollup).values(complained_at=text("now()")))
    assert "Nothing was changed" in undo(client, page).text
    assert subscribed(campaign) == [1, 2]


def test_what_an_imported_file_had_suppressed_stays_so(client: FlaskClient, campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        suppress(connection, campaign.address(), "the file says Cleaned", "old.csv", "import into friends")
    undo(client, leave(client, campaign.unsubscribe(), "all").text)
    with campaign.database.engine.connect() as connection:
        assert is_suppressed(connection, campaign.address())


def test_a_mistake_can_be_undone_for_an_hour_only(client: FlaskClient, campaign: Sent) -> None:
    page = leave(client, campaign.unsubscribe(), "all").text
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE memberships SET left_at = left_at - interval '61 minutes'"))
        connection.execute(text("UPDATE suppressions SET at = at - interval '61 minutes'"))
        at = connection.scalar(select(Suppression.at))
    assert at is not None
    assert "Nothing was changed" in undo(client, page).text
    late = client.post(f"/u/{campaign.unsubscribe()}/undo", query_string={"at": at.isoformat()})
    assert "Nothing was changed" in late.text
    assert subscribed(campaign) == [1, 2]
    assert "That was a mistake" not in leave(client, campaign.unsubscribe(), "all").text


@pytest.mark.parametrize("at", ["", "x", "0001-01-01", "9999-12-31T23:59:59+00:00"])
def test_an_undo_of_no_click_changes_nothing(client: FlaskClient, campaign: Sent, at: str) -> None:
    leave(client, campaign.unsubscribe(), "list")
    assert client.post(f"/u/{campaign.unsubscribe()}/undo", query_string={"at": at}).status_code in {200, 400}
    assert subscribed(campaign) == [1, 2]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("list", "any more emails from this list of Connection Coalition"),
        ("all", "any more newsletters from Connection Coalition"),
    ],
)
def test_somebody_who_has_unsubscribed_sees_that(client: FlaskClient, campaign: Sent, scope: str, said: str) -> None:
    leave(client, campaign.unsubscribe(), scope)
    page = client.get(f"/u/{campaign.unsubscribe()}").text
    assert "You have already unsubscribed" in page
    assert said in page


@pytest.mark.parametrize("language", ["en", "cy", "ar", "hi"])
def test_after_one_click_both_pages_say_so_and_take_it_back_within_the_hour(database: Database, language: str) -> None:
    email = replace(letter(), language=language).hashed()
    campaign, client = sent(database, email=email), public_app(database).test_client()
    words = phrases_for(UNSUBSCRIBE, language).words
    for path in (f"/u/{campaign.unsubscribe()}", f"/preferences/{campaign.key(0, KeyKind.PREFERENCES)}"):
        before = client.get(path).text
        assert words["already"] not in before
        assert words["undo"] not in before
        client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK)
        page = client.get(path).text
        assert words["already"] in page
        assert words["heading"] not in page
        assert "p•••@" not in page
        assert words["undo"] in page
        assert words["back"] in undo(client, page).text
        assert subscribed(campaign) == [0, 1, 2]
    client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE memberships SET left_at = left_at - interval '61 minutes'"))
    assert words["undo"] not in client.get(path).text


def test_a_later_no_by_another_way_is_not_undone_with_the_one_click(client: FlaskClient, campaign: Sent) -> None:
    client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK)
    page = client.get(f"/u/{campaign.unsubscribe()}").text
    with campaign.database.engine.begin() as connection:
        unsubscribe(connection, campaign.list_id, campaign.members[0], "by staff")
    assert "Nothing was changed" in undo(client, page).text
    assert subscribed(campaign) == [1, 2]


@pytest.mark.parametrize("language", ["en", "cy", "ar", "hi"])
@pytest.mark.parametrize("title", ["", "connection coalition", "Friends of the daisy"])
def test_a_page_names_the_sender_once_and_never_a_slug(database: Database, language: str, title: str) -> None:
    campaign, client = (
        sent(database, email=replace(letter(), language=language).hashed()),
        public_app(database).test_client(),
    )
    with database.engine.begin() as connection:
        connection.execute(update(MailingList).values(title=title, name="the-slug"))
    pages = [client.get(f"/u/{campaign.unsubscribe()}").text, leave(client, campaign.unsubscribe(), "list").text]
    pages.append(client.get(f"/u/{campaign.unsubscribe()}").text)
    pages.append(leave(client, campaign.unsubscribe(), "all").text)
    for page in pages:
        assert "the-slug" not in page
        for sentence in re.findall(r"<(?:p|span)[^>]*>(.*?)</(?:p|span)>", page, re.DOTALL):
            assert sentence.casefold().count("connection coalition") <= 1, sentence
    assert ("Friends of the daisy" in pages[1]) == (title == "Friends of the daisy")


def test_a_page_wears_the_brand_of_its_mail(database: Database) -> None:
    brand = Brand("Daisy Trust", colours={**DEFAULT_COLOURS, "primary": "#7a1fa2"})
    look = page_look(brand, f"{'a' * 64}.png", "")
    campaign, client = (
        sent(database, email=replace(letter(), look=look, title="1").hashed()),
        public_app(database).test_client(),
    )
    page = client.get(f"/u/{campaign.unsubscribe()}").text
    assert f'<img src="/i/{"a" * 64}.png" alt="Daisy Trust">' in page
    style = re.search(r'href="(/style/[^"]+)"', page)
    assert style
    answer = client.get(style[1])
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "--primary: #7a1fa2;" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_page_of_a_brand_without_a_logo_has_its_name(database: Database) -> None:
    look = page_look(Brand("Daisy Trust"), "", "")
    campaign, client = sent(database, email=replace(letter(), look=look)), public_app(database).test_client()
    assert "<b><bdi>Daisy Trust</bdi></b>" in leave(client, campaign.unsubscribe(), "list").text


@pytest.mark.parametrize("name", ["x", "7a1fa2", "-".join(["7a1fa2"] * 7 + ["}body{"]), "-".join(["7A1FA2"] * 8)])
def test_a_style_sheet_has_the_name_of_its_colours_and_no_other(client: FlaskClient, name: str) -> None:
    assert client.get(f"/style/{name}.css").status_code == 404


def test_the_form_works_behind_https(database: Database) -> None:
    database.settings = replace(database.settings, public_url="https://news.daisies.org")
    campaign, client = sent(database), public_app(database).test_client()
    assert leave(client, campaign.unsubscribe(), "list", base_url="https://news.daisies.org").status_code == 200
    assert subscribed(campaign) == [1, 2]


@pytest.mark.parametrize("key", ["click", "pixel", "key"])
def test_the_form_takes_no_key_but_its_own(client: FlaskClient, campaign: Sent, key: str) -> None:
    assert client.post(f"/u/{getattr(campaign, key)()}/leave", data={"scope": "list"}).status_code == 404
    assert subscribed(campaign) == [0, 1, 2]


def test_a_form_without_a_choice_is_refused(client: FlaskClient, campaign: Sent) -> None:
    assert leave(client, campaign.unsubscribe(), "everything").status_code == 400
    assert subscribed(campaign) == [0, 1, 2]


def test_one_click_takes_four_statements(app: Flask, database: Database) -> None:
    campaign = sent(database)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _, __, statement, *more: statements.append(statement))
    client = app.test_client(use_cookies=False)
    for number in range(3):
        statements.clear()
        assert client.post(f"/u/{campaign.unsubscribe(number)}", data=ONE_CLICK).status_code == 200
    assert [statement.split()[0] for statement in statements] == ["SELECT", "WITH", "WITH", "WITH"], statements
    assert "hour_rollups" in statements[-1]  # everybody's rows are locked last
    assert "any(" not in statements[0]  # PostgreSQL plans it anew each time
    assert subscribed(campaign) == []


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_leaves_at_once_without_cookies_or_redirects(app: Flask, campaign: Sent, encoding: str) -> None:
    client = app.test_client(use_cookies=False)
    for _ in range(2):
        answer = client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK, content_type=encoding)
        assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/plain", "Unsubscribed.\n")
        assert "Set-Cookie" not in answer.headers
    assert subscribed(campaign) == [1, 2]
    assert kinds(campaign) == ["unsubscribed"]


@pytest.mark.parametrize("data", [{}, {"List-Unsubscribe": "no"}, {"scope": "all"}])
def test_a_post_that_is_no_one_click_changes_nothing(client: FlaskClient, campaign: Sent, data: dict[str, str]) -> None:
    assert client.post(f"/u/{campaign.unsubscribe()}", data=data).status_code == 400
    assert subscribed(campaign) == [0, 1, 2]


def test_who_is_no_member_any_more_can_still_ask_to_hear_nothing(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(Membership).where(Membership.member_id == campaign.members[0]))
        connection.execute(delete(Member).where(Member.id == campaign.members[0]))
    assert client.post(f"/u/{campaign.unsubscribe()}", data=ONE_CLICK).status_code == 200
    assert leave(client, campaign.unsubscribe(), "all").status_code == 200
    with database.engine.connect() as connection:
        assert is_suppressed(connection, campaign.address())


def test_a_test_mail_changes_nothing_and_says_so(database: Database, client: FlaskClient) -> None:
    campaign = sent(database, kind="test")
    key = campaign.unsubscribe()
    assert client.get(f"/o/{campaign.pixel()}.gif").status_code == 200
    assert client.get(f"/c/{campaign.click()}/0").status_code == 302
    assert "test mail" in client.get(f"/u/{key}").text
    assert "Nothing has changed" in leave(client, key, "all").text
    assert "nothing has changed" in client.post(f"/u/{key}", data=ONE_CLICK).text
    assert not campaign.events()
    assert subscribed(campaign) == [0, 1, 2]
    with database.engine.connect() as connection:
        assert not is_suppressed(connection, campaign.address())


@pytest.mark.parametrize(("address", "shown"), [("ann@a.example", "a•••@a.example"), ("é@a.example", "é•••@a.example")])
def test_an_address_is_masked_to_its_first_letter_and_domain(address: str, shown: str) -> None:
    assert masked(address) == shown
