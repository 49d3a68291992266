"""Links of mails that the database does not know any more: they say so, show nobody's mail, and let their reader go."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text, update

from lists.suppression import is_suppressed
from lists.tables import Suppression
from pages import readers
from sender.links.keys import KeyKind
from sender.tables import Campaign, Delivery, Place
from tests.sender.returns import Sent

PAGES = {"/c/{}/0": KeyKind.CLICK, "/v/{}": KeyKind.VIEW, "/u/{}": KeyKind.UNSUBSCRIBE}
PIXEL = "/o/{}.gif"


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """The same browser, which asks for pages as a person's does."""
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    return client


def forget(campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(delete(Delivery).where(Delivery.id == campaign.deliveries[0]))


@pytest.fixture
def lost(campaign: Sent) -> Sent:
    """A campaign that does not know its first mail; its number was given out, so nothing went back in time."""
    forget(campaign)
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(first_delivery=campaign.deliveries[1]))
    return campaign


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("old", [False, True])
def test_a_link_says_that_its_mail_is_not_known(client: FlaskClient, lost: Sent, path: str, old: bool) -> None:
    key = lost.key(kind=KeyKind.ANY if old else PAGES[path])
    page = client.get(path.format(key))
    assert page.status_code == 410
    assert "We no longer know this email" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert ("<form" in page.text) is (path == "/u/{}")
    assert not lost.events()


def test_a_link_that_is_the_same_for_everybody_leads_on_from_a_mail_whose_part_of_the_ledger_was_removed(
    client: FlaskClient, campaign: Sent
) -> None:
    forget(campaign)
    assert client.get(f"/c/{campaign.click()}/0").status_code == 302
    assert client.get(f"/c/{campaign.click()}/2").status_code == 410  # it has the member's name
    assert not campaign.events()


@pytest.mark.parametrize("kind", [KeyKind.PIXEL, KeyKind.ANY])
def test_a_mail_program_is_given_the_picture_of_a_lost_mail_in_silence(
    client: FlaskClient, lost: Sent, kind: KeyKind
) -> None:
    answer = client.get(PIXEL.format(lost.key(kind=kind)))
    assert (answer.status_code, answer.data) == (200, readers.PIXEL)
    assert not lost.events()


def test_a_mail_program_is_told_that_nothing_changed(client: FlaskClient, lost: Sent) -> None:
    one_click = {"List-Unsubscribe": "One-Click"}
    answer = client.post(f"/u/{lost.unsubscribe()}", data=one_click, headers={"Accept": "text/plain"})
    assert (answer.status_code, answer.text) == (410, "This email is not known any more. Nothing has been changed.\n")
    assert not lost.events()


def entered(client: FlaskClient, key: str, address: str) -> tuple[int, str]:
    """Enter an address on the page as a person does."""
    action = re.search(r'<form [^>]*action="([^"]+)"', client.get(f"/u/{key}").text)
    assert action
    page = client.post(action[1], data={"address": address})
    heading = re.search("<h1>(.*)</h1>", page.text)
    assert heading
    return page.status_code, heading[1]


def test_its_own_reader_can_unsubscribe_by_entering_their_address(client: FlaskClient, lost: Sent) -> None:
    for _ in range(2):  # repeating it is harmless
        assert entered(client, lost.unsubscribe(), f" {lost.address().upper()} ") == (200, "You are unsubscribed")
    with lost.database.engine.connect() as connection:
        assert connection.scalars(select(Suppression.address_key)).all() == [lost.address()]
        assert connection.scalars(select(Suppression.reason)).all() == ["unsubscribed from everything"]
    [kept] = lost.events()
    assert (kept.kind, kept.delivery_id) == ("unsubscribed", None)
    assert lost.address() not in str(kept.detail)


def test_what_is_no_address_changes_nothing_and_is_asked_again(client: FlaskClient, lost: Sent) -> None:
    page = client.post(f"/u/{lost.unsubscribe()}/leave", data={"address": "nobody"})
    assert "That is not an email address" in page.text
    assert not lost.events()


def test_one_mail_unsubscribes_a_few_addresses_and_no_more(client: FlaskClient, lost: Sent) -> None:
    answers = [entered(client, lost.unsubscribe(), f"a{number}@people.example") for number in range(5)]
    assert [code for code, _ in answers] == [200, 200, 200, 410, 410]
    with lost.database.engine.connect() as connection:
        assert not is_suppressed(connection, "a3@people.example")


@pytest.mark.parametrize("path", PAGES)
def test_a_key_that_is_passed_on_unsubscribes_nobody(client: FlaskClient, lost: Sent, path: str) -> None:
    if PAGES[path] is not KeyKind.UNSUBSCRIBE:
        answer = client.post(f"/u/{lost.key(kind=PAGES[path])}/leave", data={"address": lost.address()})
        assert answer.status_code == (410 if PAGES[path] is KeyKind.VIEW else 404)
        assert "<form" not in client.get(f"/u/{lost.key(kind=PAGES[path])}").text
    assert not lost.events()


def withdrawn(campaign: Sent) -> list[str]:
    with campaign.database.engine.connect() as connection:
        return list(connection.scalars(select(Place.withdrawn_because)))


@pytest.mark.parametrize("path", [*PAGES, PIXEL])
def test_a_key_of_a_mail_that_was_never_sent_here_stops_everything(
    client: FlaskClient, campaign: Sent, path: str
) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET state = 'sending'"))
    key = campaign.keys.make(PAGES.get(path, KeyKind.PIXEL), [campaign.deliveries[-1] + 1])[0]
    assert client.get(path.format(key)).status_code == (200 if path == PIXEL else 410)
    assert withdrawn(campaign) == ["a link or an event came back for a mail that it does not know yet"]
    with campaign.database.engine.connect() as connection:
        state, reason = connection.execute(text("SELECT state, pause_reason FROM campaigns")).one()
    assert state == "paused"
    assert reason.startswith("the database went back in time: ")


def test_a_forged_or_a_forgotten_key_stops_nothing(client: FlaskClient, lost: Sent) -> None:
    forged = [*("A" * 22, "x"), *(lost.unsubscribe()[:-1] + end for end in "Qgw")]
    for key in forged:
        client.get(f"/u/{key}")
    assert client.get(f"/u/{lost.unsubscribe()}").status_code == 410
    assert withdrawn(lost) == []
