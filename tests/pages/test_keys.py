"""Keys at the doors: each opens the page that it is for and no other, and mails already sent go on working."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from daisychain.database import Database
from sender.links.keys import KeyKind
from tests.sender.returns import Sent, sent

# Every route with a key: how it is asked, the kind of key that opens it, and what it then answers.
DOORS = {
    "/o/<key>.gif": ("get", "/o/{}.gif", KeyKind.PIXEL, 200),
    "/c/<key>/<int:number>": ("get", "/c/{}/0", KeyKind.CLICK, 302),
    "/v/<key>": ("get", "/v/{}", KeyKind.VIEW, 200),
    "/u/<key>": ("get", "/u/{}", KeyKind.UNSUBSCRIBE, 200),
    "/u/<key> one click": ("post", "/u/{}", KeyKind.UNSUBSCRIBE, 200),
    "/u/<key>/leave": ("post", "/u/{}/leave", KeyKind.UNSUBSCRIBE, 200),
    "/u/<key>/undo": ("post", "/u/{}/undo?at=2026-01-01T00:00", KeyKind.UNSUBSCRIBE, 200),
    "/preferences/<key>": ("get", "/preferences/{}", KeyKind.PREFERENCES, 200),
    "/preferences/<key> save": ("post", "/preferences/{}", KeyKind.PREFERENCES, 200),
    "/preferences/<key>/undo": ("post", "/preferences/{}/undo", KeyKind.PREFERENCES, 200),
}
# A view's unsubscribe link has the view's key, and opens a form that asks for the address.
BY_VIEW = {"/u/<key>", "/u/<key>/leave"}
LEAVE_A_TRACE = {"/o/<key>.gif", "/c/<key>/<int:number>", "/u/<key> one click", "/u/<key>/leave"}
FORM = {"List-Unsubscribe": "One-Click", "scope": "list", "first_name": "Ann"}


def key_of(campaign: Sent, kind: KeyKind) -> str:
    if kind is KeyKind.RETURN:
        return campaign.keys.returns([campaign.deliveries[0]])[0]
    return campaign.key(kind=kind)


def one_key(campaign: Sent) -> None:
    """Make it a campaign from before keys had purposes."""
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET one_key = true"))


def test_the_doors_are_all_routes_with_a_key(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules() if "key" in rule.arguments} == {
        door.split(" ")[0] for door in DOORS
    }


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_opens_its_own_door_only(client: FlaskClient, campaign: Sent, door: str, kind: KeyKind) -> None:
    method, path, opens, answer = DOORS[door]
    found = client.open(path.format(key_of(campaign, kind)), method=method, data=FORM if method == "post" else None)
    by_view = kind is KeyKind.VIEW and door in BY_VIEW
    assert found.status_code == (answer if kind is opens or by_view else 404)
    assert bool(campaign.events()) == (kind is opens and door in LEAVE_A_TRACE)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KeyKind)
def test_the_one_key_of_an_old_mail_opens_all_its_doors(
    client: FlaskClient, campaign: Sent, door: str, kind: KeyKind
) -> None:
    one_key(campaign)
    method, path, opens, answer = DOORS[door]
    found = client.open(path.format(key_of(campaign, kind)), method=method, data=FORM if method == "post" else None)
    by_view = kind is KeyKind.VIEW and door in BY_VIEW
    # Its view may have been passed on, so a reader's choices have a key of their own, made on the unsubscribe page.
    by_one = kind is KeyKind.ANY and opens is not KeyKind.PREFERENCES
    assert found.status_code == (answer if kind is opens or by_one or by_view else 404)


def test_no_two_purposes_share_a_key(campaign: Sent) -> None:
    assert len({key_of(campaign, kind) for kind in KeyKind}) == len(KeyKind)


def age(campaign: Sent, months: int) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET frozen_at = now() - make_interval(months => :n)"), {"n": months})


@pytest.mark.parametrize(("months", "answer"), [(11, 200), (12, 410), (120, 410)])
def test_a_view_ends_after_twelve_months_and_says_so(
    client: FlaskClient, campaign: Sent, months: int, answer: int
) -> None:
    age(campaign, months)
    page = client.get(f"/v/{campaign.view()}")
    assert page.status_code == answer
    assert ("twelve months" in page.text) == (answer == 410)
    assert ("Dear P 0" in page.text) == (answer == 200)
    assert page.headers["Cache-Control"] == "no-store"


def test_an_unsubscribe_link_never_ends(client: FlaskClient, campaign: Sent) -> None:
    age(campaign, 240)
    assert client.get(f"/u/{campaign.unsubscribe()}").status_code == 200
    assert client.post(f"/u/{campaign.unsubscribe()}", data=FORM).text == "Unsubscribed.\n"
    assert client.get(f"/c/{campaign.click()}/0").status_code == 302


def test_the_view_of_an_old_mail_has_keys_for_each_purpose(client: FlaskClient, campaign: Sent) -> None:
    one_key(campaign)
    old = campaign.key(kind=KeyKind.ANY)
    page = client.get(f"/v/{old}").text
    assert old not in page
    assert campaign.click() in page
    assert f"/u/{campaign.view()}" in page


def test_a_view_that_is_passed_on_unsubscribes_nobody_who_does_not_know_the_address(
    client: FlaskClient, campaign: Sent
) -> None:
    page = client.get(f"/v/{campaign.view()}").text
    assert campaign.unsubscribe() not in page
    [link] = re.findall(r"/u/[\w-]{22}", page)
    form = client.get(link).text
    assert "p•••@" not in form
    for address in ("", "stranger@people.example", "nobody"):
        answer = client.post(f"{link}/leave", data={"scope": "all", "address": address})
        assert "This email did not go to that address." in answer.text
    assert client.post(link, data=FORM).status_code == 404
    assert client.post(f"{link}/undo?at=2026-01-01T00:00").status_code == 404
    assert not campaign.events()


@pytest.mark.parametrize("scope", ["list", "all"])
def test_its_reader_unsubscribes_from_a_view_by_entering_their_address(
    client: FlaskClient, campaign: Sent, scope: str
) -> None:
    address = f" {campaign.address().upper()} "
    page = client.post(f"/u/{campaign.view()}/leave", data={"scope": scope, "address": address}).text
    assert "You have unsubscribed" in page
    assert "/undo" not in page  # which a key that may be passed on does not open
    [event] = campaign.events()
    assert (event.kind, event.detail) == ("unsubscribed", {"scope": scope})
    assert "already" not in client.get(f"/u/{campaign.view()}").text


def test_a_campaign_of_this_version_is_not_marked_as_old(database: Database) -> None:
    campaign = sent(database)
    with database.engine.connect() as connection:
        assert connection.scalars(text("SELECT one_key FROM campaigns")).all() == [False]
    assert campaign.keys.read(KeyKind.CLICK, [campaign.click()]) == {campaign.click(): campaign.deliveries[0]}
