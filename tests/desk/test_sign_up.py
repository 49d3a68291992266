"""Sign-up at the desk: a list's form, and organisations that asked to join."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from daisychain.database import Database
from lists.lists import create_list
from lists.sign_up.asking import keep_sign_up
from lists.sign_up.sign_up_form import change_form, sign_up_form
from lists.sign_up.typed_sign_up import read_typed
from partners.applications import confirm_and_credit
from partners.contacts import contacts_of
from partners.registry import organisation_named
from partners.tables import PartnerEvent
from tests.desk.staff import Browser
from tests.partners.hive import add_bees

As = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def members(database: Database) -> None:
    with database.engine.begin() as connection:
        create_list(connection, "members", sender="Connection Coalition <news@coalition.example>")


def apply(database: Database, organisation: str, *, confirmed: bool = True, partner: str = "") -> None:
    """Ask to join, and press the button of the mail."""
    values = {"email": "ann@bees.example", "first_name": "Ann", "organisation": organisation, "partner": partner}
    with database.engine.begin() as connection:
        form = change_form(connection, "members", by="Priya", is_open=True, who="organisations", toolkits=["spring"])
        typed = read_typed(values, for_organisations=True)
        token = keep_sign_up(
            connection, database.settings, form, typed, form.wording("en"), language="en", network=""
        )  # fmt: skip
        if confirmed:
            confirm_and_credit(connection, database.settings, token)


def text_of(html: str) -> str:
    body = HTMLParser(html).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def test_a_colleague_opens_and_closes_the_form_of_a_list(as_role: As, database: Database) -> None:
    sender = as_role("sender")
    assert "Open the form" in text_of(sender.get("/desk/lists/members").text)
    sender.post("/desk/lists/members/sign-up", open="yes")
    page = text_of(sender.get("/desk/lists/members").text)
    assert "http://127.0.0.1:8000/join/members" in page
    assert "I would like to get emails from Connection Coalition" in page
    sender.post("/desk/lists/members/sign-up", open="")
    with database.engine.connect() as connection:
        assert not sign_up_form(connection, "members").is_open


def test_who_may_only_see_lists_has_no_button_and_can_t_open_the_form(as_role: As, database: Database) -> None:
    editor = as_role("editor")
    assert "Open the form" not in text_of(editor.get("/desk/lists/members").text)
    assert editor.post("/desk/lists/members/sign-up", open="yes").status_code == 403
    with database.engine.connect() as connection:
        assert not sign_up_form(connection, "members").is_open


def test_an_organisation_that_asks_to_join_is_one_only_once_a_colleague_has_said_so(
    as_role: As, database: Database
) -> None:
    apply(database, "Wasps of Wells", confirmed=False)
    browser = as_role("editor")
    assert "No applications" in browser.get("/desk/partners/applications").text
    apply(database, "Bees of Bath")
    with database.engine.connect() as connection:
        assert organisation_named(connection, "Bees of Bath") is None
    assert "1 organisation asks to join" in text_of(browser.get("/desk/partners").text)
    page = text_of(browser.get("/desk/partners/applications").text)
    assert "Bees of Bath" in page
    assert "ann@bees.example" in page
    assert "Wasps" not in page
    answer = browser.post("/desk/partners/applications/2/accept")
    assert "Bees of Bath is a member organisation" in text_of(answer.text)
    with database.engine.connect() as connection:
        organisation = organisation_named(connection, "Bees of Bath")
        assert organisation is not None
        [contact] = contacts_of(connection, [organisation.id])[organisation.id]
    assert (contact.email, contact.name) == ("ann@bees.example", "Ann")
    assert "decided this already" in text_of(browser.post("/desk/partners/applications/2/accept").text)
    assert "No applications" in browser.get("/desk/partners/applications").text


def test_the_name_of_a_member_organisation_is_taken_over_by_nobody(as_role: As, database: Database) -> None:
    with database.engine.begin() as connection:
        bees = add_bees(connection).organisation
        before = len(contacts_of(connection, [bees.id])[bees.id])
    apply(database, bees.name.upper())
    with database.engine.connect() as connection:
        assert organisation_named(connection, bees.name) == bees
        assert len(contacts_of(connection, [bees.id])[bees.id]) == before
    browser = as_role("editor")
    assert f"Add as a contact of {bees.name}" in browser.get("/desk/partners/applications").text
    browser.post("/desk/partners/applications/1/accept")
    with database.engine.connect() as connection:
        assert organisation_named(connection, bees.name) == bees
        assert "ann@bees.example" in {each.email for each in contacts_of(connection, [bees.id])[bees.id]}


def test_an_application_that_is_declined_makes_no_organisation(as_role: As, database: Database) -> None:
    apply(database, "Spam & Sons")
    browser = as_role("editor")
    answer = browser.post("/desk/partners/applications/1/decline")
    assert "The application of Spam & Sons is declined" in text_of(answer.text)
    with database.engine.connect() as connection:
        assert organisation_named(connection, "Spam & Sons") is None


@pytest.mark.parametrize(("code", "counted"), [("own", True), ("no-such-code", False), ("", False)])
def test_a_sign_up_from_a_partners_page_is_counted_for_it_and_names_nobody(
    database: Database, code: str, counted: bool
) -> None:
    with database.engine.begin() as connection:
        bees = add_bees(connection).organisation
    apply(database, "Wasps of Wells", partner=bees.code if code == "own" else code)
    with database.engine.connect() as connection:
        events = connection.execute(select(PartnerEvent.__table__).where(PartnerEvent.kind == "signed_up")).all()
    assert [(each.organisation_id, each.toolkit, each.detail) for each in events] == [(bees.id, "spring", {})] * counted
