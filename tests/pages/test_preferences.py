"""The page on which readers choose what they get: what it changes, takes back, and leaves as it is."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select, text, update

from daisychain import database as frame
from daisychain.database import Database
from lists.consent.consent_tables import ConsentEvent, ConsentTerms, ConsentWording
from lists.consent.ledger_state import differing_members
from lists.preferences.leaving_reasons import reasons_for_leaving
from lists.resubscribe import resubscribe
from lists.sign_up.sign_up_form import add_wording, change_form
from lists.suppression import suppress
from lists.tables import MailingList, Member, Membership
from pages.app import create_app
from sender.events.recount import recount_rollups
from sender.links.keys import KeyKind
from sender.tables import CampaignEmail
from tests.sender.returns import Sent, sent
from tests.sender.staging import add_list

FIELD = re.compile(r"<(input|select|option)\b([^>]*)>")


def fields(page: str) -> dict[str, list[str]]:
    """What a browser would post of the form as it stands."""
    found: dict[str, list[str]] = {}
    chosen = ""
    form = page[page.index("<form") : page.index("</form>")]
    for tag, attributes in FIELD.findall(form):
        own = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        if tag == "select":
            chosen = own["name"]
            found[chosen] = [""]
        elif tag == "option" and " selected" in attributes:
            found[chosen] = [own["value"]]
        elif tag == "input" and (own.get("type") != "checkbox" or " checked" in attributes):
            found.setdefault(own["name"], []).append(unescape(own.get("value", "")))
    return found


def path(campaign: Sent, number: int = 0) -> str:
    return f"/preferences/{campaign.key(number, KeyKind.PREFERENCES)}"


def post(client: FlaskClient, campaign: Sent, *, tick: dict[str, list[str]] | None = None, **changed: Any) -> Any:
    """Change some fields of the form as it stands, and press its button, without a cookie."""
    page = client.get(path(campaign))
    values = fields(page.text)
    for name, more in (tick or {}).items():
        values[name] = values.get(name, []) + more
    for name, value in changed.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value if isinstance(value, list) else [value]
    answer = client.application.test_client(use_cookies=False).post(path(campaign), data=values)
    for each in (page, answer):
        assert "Set-Cookie" not in each.headers
        assert each.headers["Cache-Control"] == "no-store"
        assert "<script" not in each.text
    return answer


def undo(client: FlaskClient, campaign: Sent, page: str) -> Any:
    sealed = re.search(r'name="change" value="([^"]+)"', page)
    assert sealed, page
    assert "people.example" not in page
    return client.post(f"{path(campaign)}/undo", data={"change": sealed[1]})


def person(campaign: Sent, number: int = 0) -> Any:
    return campaign.one(select(Member.__table__).where(Member.id == campaign.members[number]))


def membership(campaign: Sent, list_id: int | None = None) -> Any:
    this = (Membership.list_id == (list_id or campaign.list_id), Membership.member_id == campaign.members[0])
    return campaign.one(select(Membership.__table__).where(*this))


def everything(campaign: Sent) -> list[Any]:
    """All rows that the page could change."""
    with campaign.database.engine.connect() as connection:
        tables = (Member, Membership, ConsentEvent)
        return [connection.execute(select(each.__table__).order_by(text("1, 2"))).all() for each in tables]


def test_looking_changes_nothing_however_a_program_asks(client: FlaskClient, campaign: Sent) -> None:
    before = everything(campaign)
    for method in ("get", "head"):
        assert getattr(client, method)(path(campaign)).status_code == 200
    assert client.post(path(campaign)).status_code == 400
    assert "p•••@people.example" in client.get(path(campaign)).text
    assert campaign.address() not in client.get(path(campaign)).text
    assert everything(campaign) == before
    assert "Nothing has changed" in post(client, campaign).text
    assert everything(campaign) == before
    assert not campaign.events()


@pytest.mark.parametrize("kind", [kind for kind in KeyKind if kind is not KeyKind.PREFERENCES])
def test_the_key_of_another_page_opens_nothing(client: FlaskClient, campaign: Sent, kind: KeyKind) -> None:
    key = campaign.key(0, kind)
    for answer in (client.get(f"/preferences/{key}"), client.post(f"/preferences/{key}", data={"first_name": "X"})):
        assert answer.status_code == 404
    assert client.get(f"/u/{campaign.key(0, KeyKind.PREFERENCES)}").status_code == 404


def test_the_unsubscribe_page_of_any_mail_leads_here(client: FlaskClient, campaign: Sent) -> None:
    assert f'href="{path(campaign)}"' in client.get(f"/u/{campaign.unsubscribe()}").text
    view = client.get(f"/u/{campaign.view()}").text  # it may have been passed on
    assert "/preferences/" not in view


def test_a_list_is_left_with_a_reason_that_nobody_is_in_and_comes_back_by_the_button(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    answer = post(client, campaign, list=None, reason="too many").text
    assert "No more emails from" in answer
    assert membership(campaign).state == "unsubscribed"
    assert campaign.rollup().unsubscribed_at is not None
    with database.engine.connect() as connection:
        assert reasons_for_leaving(connection, campaign.list_id) == {"too many": 1}
    assert "as it was before" in undo(client, campaign, answer).text
    assert (membership(campaign).state, membership(campaign).source) == ("subscribed", "form")
    with database.engine.connect() as connection:
        assert reasons_for_leaving(connection, campaign.list_id) == {}
    assert "Nothing was changed" in undo(client, campaign, answer).text


def test_who_leaves_is_in_the_sums_of_the_mail_that_brought_them(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    post(client, campaign, list=None)
    with database.engine.connect() as connection:
        assert not any(recount_rollups(connection, [campaign.campaign_id]).values())
    assert campaign.rollup().unsubscribed_at is not None


@pytest.mark.parametrize("reason", ["", "a reason nobody offered"])
def test_no_reason_is_needed_and_none_is_made_up(
    client: FlaskClient, campaign: Sent, database: Database, reason: str
) -> None:
    post(client, campaign, list=None, reason=reason)
    with database.engine.connect() as connection:
        assert reasons_for_leaving(connection, campaign.list_id) == {}


def test_a_pause_lasts_three_months_and_ends_earlier_if_they_like(client: FlaskClient, campaign: Sent) -> None:
    answer = post(client, campaign, paused="yes").text
    assert re.search(r"No emails until \d+ \w+ 20\d\d\.", answer)
    lasts = select(Membership.paused_until - text("now()")).where(Membership.paused_until.is_not(None))
    assert 88 <= campaign.one(lasts)[0].days <= 92
    assert "Paused until" in client.get(path(campaign)).text
    assert "Nothing has changed" in post(client, campaign).text
    assert "as it was before" in undo(client, campaign, answer).text
    assert membership(campaign).paused_until is None
    post(client, campaign, paused="yes")
    assert "Emails come again" in post(client, campaign, paused=None).text
    assert membership(campaign).paused_until is None


def test_a_pause_is_for_what_is_joined_with_it_too_and_ends_for_whoever_signs_up_again(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    digest = other_list(database, "digest")
    post(client, campaign, tick={"list": [str(digest)]}, paused="yes")
    assert membership(campaign, digest).paused_until == membership(campaign).paused_until is not None
    post(client, campaign, list=[str(digest)])  # leaves the first, still paused
    assert membership(campaign).state == "unsubscribed"
    with database.engine.begin() as connection:
        resubscribe(connection, campaign.list_id, campaign.address(), because="asked", evidence="by phone")
    assert membership(campaign).paused_until is None
    assert membership(campaign, digest).paused_until is not None


def test_a_name_and_a_language_are_kept_and_taken_back(client: FlaskClient, campaign: Sent, database: Database) -> None:
    with database.engine.begin() as connection:
        rows = [{"campaign_id": campaign.campaign_id, "language": code, "compiled_id": 1} for code in ("en", "cy")]
        connection.execute(insert(CampaignEmail), rows)
    answer = post(client, campaign, first_name=" Zoë  Ann ", last_name="O’Neil", language="cy").text
    assert "Your name and language are saved" in answer
    assert (person(campaign).first_name, person(campaign).last_name, person(campaign).language) == (
        "Zoë Ann", "O’Neil", "cy",
    )  # fmt: skip
    assert fields(client.get(path(campaign)).text)["language"] == ["cy"]
    undo(client, campaign, answer)
    assert (person(campaign).first_name, person(campaign).last_name, person(campaign).language) == ("P0", "", "")
    post(client, campaign, language="xx")
    assert person(campaign).language == ""


@pytest.mark.parametrize("name", ["see http://a.org", "<b>", "a" * 61, "x\u202ey"])
def test_a_name_that_is_none_is_asked_for_again_with_everything_as_it_was_typed(
    client: FlaskClient, campaign: Sent, name: str
) -> None:
    before = everything(campaign)
    answer = post(client, campaign, first_name=name, last_name="Known", list=None, paused="yes")
    assert answer.status_code == 422
    assert "Write only a name" in answer.text
    again = fields(answer.text)
    assert (again["last_name"], again["paused"], "list" in again) == (["Known"], ["yes"], False)
    assert everything(campaign) == before


def test_a_name_from_a_file_that_the_form_would_refuse_stands_in_nobody_s_way(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Member).values(first_name="Ann & Bob #2"))
    assert "No more emails" in post(client, campaign, list=None).text
    assert person(campaign).first_name == "Ann & Bob #2"


def test_reading_is_agreed_to_and_withdrawn_in_the_very_words_of_the_box(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(PER_PERSON))
    page = client.get(path(campaign)).text
    post(client, campaign, reads="yes")
    assert membership(campaign).reads_agreed is True
    answer = post(client, campaign, reads=None).text
    assert membership(campaign).reads_agreed is False
    undo(client, campaign, answer)
    assert membership(campaign).reads_agreed is True
    rows = (
        select(ConsentEvent.kind, ConsentEvent.purpose, ConsentWording.text, ConsentTerms.source)
        .join(ConsentTerms, ConsentTerms.id == ConsentEvent.terms_id)
        .join(ConsentWording, ConsentWording.id == ConsentTerms.wording_id)
        .where(ConsentEvent.purpose == "reading")
        .order_by(ConsentEvent.id)
    )
    with database.engine.connect() as connection:
        found = connection.execute(rows).all()
    assert [row.kind for row in found] == ["given", "withdrawn", "given"]
    assert {row.source for row in found} == {"preferences page"}
    [wording] = {row.text for row in found}
    assert f"<span>{wording}</span>" in page


PER_PERSON = "UPDATE lists SET tracking = 'per person', opens = 'on', clicks = 'on'"


def other_list(database: Database, name: str, *, open_: bool = True, sender: str = "") -> int:
    with database.engine.begin() as connection:
        list_id = add_list(connection, name)
        values = {"title": f"The {name}", **({"from_name": sender} if sender else {})}
        connection.execute(update(MailingList).where(MailingList.id == list_id).values(values))
        add_wording(connection, name, "I want it.", by="staff")
        change_form(connection, name, by="staff", is_open=open_)
    return list_id


@pytest.mark.parametrize("way", ["new", "left", "suppressed"])
def test_an_open_list_of_the_organisation_is_joined_by_the_words_of_its_sign_up(
    client: FlaskClient, campaign: Sent, database: Database, way: str
) -> None:
    list_id = other_list(database, "digest")
    with database.engine.begin() as connection:
        if way != "new":
            gone = {"list_id": list_id, "member_id": campaign.members[0], "state": "unsubscribed"}
            connection.execute(insert(Membership).values(gone))
        if way == "suppressed":
            suppress(connection, campaign.address(), "unsubscribed from everything", source="by mail")
    page = client.get(path(campaign)).text
    assert "The digest" in page
    assert "I want it." in page
    answer = post(client, campaign, tick={"list": [str(list_id)]}).text
    assert "You are on the list “The digest”" in answer
    found = membership(campaign, list_id)
    assert (found.state, found.basis, found.source) == ("subscribed", "consent", "preferences page, wording 1 (en)")
    undo(client, campaign, answer)
    assert membership(campaign, list_id).state == "unsubscribed"
    if way == "new":
        with database.engine.connect() as connection:
            assert differing_members(connection, list_id) == []


def test_somebody_who_agreed_to_reading_can_leave_and_come_back_by_the_same_page(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(PER_PERSON))
        name = connection.execute(select(MailingList.name).where(MailingList.id == campaign.list_id)).scalar_one()
        add_wording(connection, name, "I want it.", by="staff")
        change_form(connection, name, by="staff", is_open=True)
    post(client, campaign, reads="yes")
    post(client, campaign, list=None)
    assert post(client, campaign, list=[str(campaign.list_id)]).status_code == 200
    assert membership(campaign).state == "subscribed"


def test_nobody_who_complained_comes_back_here(client: FlaskClient, campaign: Sent, database: Database) -> None:
    list_id = other_list(database, "digest")
    with database.engine.begin() as connection:
        suppress(connection, campaign.address(), "complained", source="a provider")
    answer = post(client, campaign, tick={"list": [str(list_id)]}).text
    assert "You can’t be added to “The digest” here" in answer
    with database.engine.connect() as connection:
        assert not connection.scalars(select(Membership).where(Membership.list_id == list_id)).all()


def test_neither_closed_lists_nor_those_of_others_are_offered_and_no_form_joins_them(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    closed = other_list(database, "closed", open_=False)
    foreign = other_list(database, "foreign", sender="Somebody Else")
    page = client.get(path(campaign)).text
    assert "The closed" not in page
    assert "The foreign" not in page
    for list_id in (closed, foreign, 10**18, "x"):
        values = fields(page)
        values["list"].append(str(list_id))
        client.post(path(campaign), data={**values, f"wording-{list_id}": "1"})
    with database.engine.connect() as connection:
        lists = connection.scalars(select(Membership.list_id).where(Membership.member_id == campaign.members[0]))
        assert set(lists) == {campaign.list_id}


def test_an_old_form_neither_leaves_what_it_did_not_show_nor_joins_what_was_left_since(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    values = fields(client.get(path(campaign)).text)
    digest = other_list(database, "digest")
    post(client, campaign, tick={"list": [str(digest)]}, list=[str(digest)])
    assert membership(campaign).state == "unsubscribed"
    client.post(path(campaign), data=values)
    assert membership(campaign).state == "unsubscribed"
    assert membership(campaign, digest).state == "subscribed"


def test_a_test_mail_shows_the_page_and_saves_nothing(database: Database) -> None:
    campaign = sent(database, kind="test")
    client = create_app(database).test_client()
    before = everything(campaign)
    assert "This was a test mail" in client.get(path(campaign)).text
    answer = post(client, campaign, first_name="Eve", list=None, paused="yes").text
    assert "nothing was saved" in answer
    assert 'name="change"' not in answer
    assert everything(campaign) == before


def test_somebody_who_is_no_member_any_more_is_told_so(client: FlaskClient, campaign: Sent, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(Member).where(Member.id == campaign.members[0]))
    assert "nothing to choose" in client.get(path(campaign)).text
    assert "nothing to choose" in client.post(path(campaign), data={"first_name": ""}).text


def test_only_one_s_own_change_is_taken_back_and_only_for_an_hour(client: FlaskClient, campaign: Sent) -> None:
    answer = post(client, campaign, first_name="Eve").text
    sealed = re.search(r'name="change" value="([^"]+)"', answer)
    assert sealed
    for key, change in ((1, sealed[1]), (0, sealed[1][:-6] + "AAAAA="), (0, "x"), (0, ""), (0, "é"), (0, "٣")):
        late = client.post(f"{path(campaign, key)}/undo", data={"change": change})
        assert "Nothing was changed" in late.text
    assert person(campaign).first_name == "Eve"


def test_who_saves_or_takes_back_while_an_import_holds_their_row_is_soon_asked_to_try_again(
    client: FlaskClient, campaign: Sent, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = re.search(r'name="change" value="([^"]+)"', post(client, campaign, first_name="Eve").text)
    assert sealed
    monkeypatch.setattr(frame, "LOCK_BRIEF", "10ms")
    with database.engine.begin() as held:
        held.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20s'"))  # ends a wait without a limit
        held.execute(update(Member).values(first_name="Imported"))
        answers = [
            client.post(path(campaign), data={"first_name": "Ann", "last_name": "N"}),
            client.post(f"{path(campaign)}/undo", data={"change": sealed[1]}),
        ]
        assert [answer.status_code for answer in answers] == [503, 503]
    assert person(campaign).first_name == "Imported"
