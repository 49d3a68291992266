"""The public pages: what a reader's click, a mail program's look-ahead and a wrong address each do, and don't."""

from __future__ import annotations

import io
import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.serving import make_server

from daisychain.database import Database
from pages.readers import PIXEL
from sender.events import page_hits
from sender.links.keys import KeyKind
from sender.tables import Campaign
from tests.public_pages import public_app
from tests.sender.returns import FIREFOX, Sent, sent

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def kinds(campaign: Sent) -> list[str]:
    return [event.kind for event in campaign.events()]


def test_fetching_the_pixel_is_an_open_each_time(client: FlaskClient, campaign: Sent) -> None:
    for _ in range(2):
        answer = client.get(f"/o/{campaign.pixel()}.gif")
        assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/gif", PIXEL)
    first, second = campaign.events()
    assert (first.source, first.kind, first.open_class) == ("own", "opened", "human")
    assert (first.user_agent, first.network) == (FIREFOX, "203.0.113.0/24")
    assert (first.delivery_id, first.campaign_id) == (campaign.deliveries[0], campaign.campaign_id)
    assert "203.0.113.77" not in str([first, second])
    rollup = campaign.rollup()
    assert rollup.human_opens == 2
    assert rollup.first_human_open_at == first.at


def test_an_open_ahead_of_the_reader_counts_for_a_machine(client: FlaskClient, campaign: Sent) -> None:
    client.get(f"/o/{campaign.pixel()}.gif", headers={"User-Agent": "Mozilla/5.0"})
    client.get(f"/o/{campaign.pixel()}.gif", headers={"User-Agent": ""})
    rollup = campaign.rollup()
    assert (rollup.human_opens, rollup.machine_opens, rollup.unknown_opens) == (0, 1, 1)
    assert rollup.first_human_open_at is None


def test_a_head_for_the_pixel_is_no_open(client: FlaskClient, campaign: Sent) -> None:
    assert client.head(f"/o/{campaign.pixel()}.gif").status_code == 200
    assert not campaign.events()


def test_a_user_agent_is_kept_to_its_first_400_characters(client: FlaskClient, campaign: Sent) -> None:
    client.get(f"/o/{campaign.pixel()}.gif", headers={"User-Agent": "x" * 5000})
    assert campaign.events()[0].user_agent == "x" * 400


@pytest.mark.parametrize(
    ("number", "url"),
    [
        (0, "https://campaign.example/toolkit?a=1&b=2"),
        (2, "https://campaign.example/join?name=P%200"),
        (3, "http://127.0.0.1:8000/privacy"),
    ],
)
def test_a_click_leads_where_the_mail_said(client: FlaskClient, campaign: Sent, number: int, url: str) -> None:
    answer = client.get(f"/c/{campaign.click()}/{number}?url=https://evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (302, url)
    [event] = campaign.events()
    assert (event.kind, event.link, event.open_class) == ("clicked", number, "human")
    assert campaign.rollup().clicks == 1


def test_a_head_for_a_link_leads_on_and_is_a_machines(client: FlaskClient, campaign: Sent) -> None:
    answer = client.head(f"/c/{campaign.click()}/0")
    assert answer.status_code == 302
    assert [event.open_class for event in campaign.events()] == ["machine"]
    rollup = campaign.rollup()
    assert (rollup.clicks, rollup.first_click_at) == (0, None)


def test_a_mail_s_first_hits_are_kept_and_no_flood_of_them(
    client: FlaskClient, campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_hits, "MOST_HITS", 3)
    for _ in range(5):
        assert client.get(f"/o/{campaign.pixel()}.gif").data == PIXEL
        assert client.head(f"/c/{campaign.click()}/0").status_code == 302
    client.get(f"/o/{campaign.pixel(1)}.gif")
    assert sorted(kinds(campaign)) == ["clicked"] * 3 + ["opened"] * 4
    assert campaign.rollup().human_opens == 3


@pytest.mark.parametrize("url", ["#", "http://[x", "http://a.example:99999999/", "http://é..example/"])
def test_a_link_to_nothing_is_not_followed(client: FlaskClient, campaign: Sent, database: Database, url: str) -> None:
    # A link may be a member's own value, which may be anything.
    change = text("UPDATE compiled_emails SET content = jsonb_set(content, '{links,0,url}', CAST(:url AS jsonb))")
    with database.engine.begin() as connection:
        connection.execute(change, {"url": json.dumps(url)})
    assert client.get(f"/c/{campaign.click()}/0").status_code == 404


def test_untracked_mails_lead_on_and_leave_no_trace(database: Database, client: FlaskClient) -> None:
    campaign = sent(database, opens="off", clicks="provider")
    assert client.get(f"/o/{campaign.pixel()}.gif").status_code == 200
    assert client.get(f"/c/{campaign.click()}/0").status_code == 302
    assert not campaign.events()


OPENED_BY = {
    "/o/{}.gif": KeyKind.PIXEL, "/c/{}/0": KeyKind.CLICK, "/v/{}": KeyKind.VIEW, "/u/{}": KeyKind.UNSUBSCRIBE,
}  # fmt: skip


class Unread(io.BytesIO):
    """A body that must not be asked for."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")

    readinto = read  # type: ignore[assignment]


@pytest.mark.parametrize("path", ["/u/{}", "/u/{}/leave", "/webhooks/sendgrid"])
def test_a_body_is_not_read_before_its_sender_has_shown_something(database: Database, path: str) -> None:
    database.settings = replace(database.settings, sendgrid_webhook_keys=("any",))
    client, form = public_app(database).test_client(), "application/x-www-form-urlencoded"
    answer = client.post(path.format("A" * 22), input_stream=Unread(b"scope=all"), content_type=form)
    assert answer.status_code in (401, 404)


@pytest.mark.parametrize("path", OPENED_BY)
@pytest.mark.parametrize("key", ["x", "A" * 22, "é" * 22, "attempt"])
def test_what_is_no_key_of_ours_is_the_same_nothing(client: FlaskClient, campaign: Sent, path: str, key: str) -> None:
    key = campaign.keys.attempt(campaign.attempt_id) if key == "attempt" else key
    answer = client.get(path.format(key))
    assert answer.status_code == 404
    assert answer.data == client.get("/u/nothing").data
    assert client.post(f"/u/{key}", data=ONE_CLICK).status_code == 404
    assert client.get(f"/c/{campaign.click()}/99").data == answer.data
    assert not campaign.events()


@pytest.mark.parametrize("path", OPENED_BY)
def test_every_page_keeps_its_address_to_itself(client: FlaskClient, campaign: Sent, path: str) -> None:
    headers = client.get(path.format(campaign.key(kind=OPENED_BY[path]))).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]


def test_the_browser_view_is_the_mail_as_it_was_sent_without_the_pixel(client: FlaskClient, campaign: Sent) -> None:
    page = client.get(f"/v/{campaign.view(1)}")
    assert "Dear P 1" in page.text
    assert "Near you" in page.text
    assert f"http://127.0.0.1:8000/c/{campaign.click(1)}/0" in page.text
    assert f"http://127.0.0.1:8000/u/{campaign.view(1)}" in page.text  # the view's own key: it may be passed on
    assert "/o/" not in page.text
    # Here one need not be told how to get here.
    assert "/v/" not in page.text
    assert "View in your browser" not in page.text
    assert "Near you" not in client.get(f"/v/{campaign.view(0)}").text
    assert not campaign.events()


def test_a_mail_in_the_browser_may_show_its_images_and_do_nothing(client: FlaskClient, campaign: Sent) -> None:
    policy = client.get(f"/v/{campaign.view()}").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' http://127.0.0.1:8000;" in policy
    assert "script" not in policy
    assert "sandbox allow-popups" in policy


def test_a_link_goes_on_to_work_when_the_installation_moves(
    client: FlaskClient, campaign: Sent, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(Campaign.__table__.update().values(public_url="https://old.daisies.org"))
    page = client.get(f"/v/{campaign.view()}")
    assert "https://old.daisies.org/c/" in page.text
    assert "https://old.daisies.org" in page.headers["Content-Security-Policy"]


def test_only_the_named_pages_take_a_post_without_a_token(app: Flask) -> None:
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posts == {
        # A key that only its reader has, or a signature, is what they show.
        "unsubscribe.by_one_click", "unsubscribe.by_form", "unsubscribe.undo", "webhooks.sendgrid", "join.confirm",
        "preferences.save", "preferences.take_back",
        "private.save", "private.suggest", "private.upload", "own_packs.mail", "own_packs.download_mailed",
        # It leads to one mail, and may come from a partner's own site.
        "join.ask",
        # They give back what was sent, in another form, and keep a count at most.
        "make_it_yours.check", "make_it_yours.frame", "own_packs.take", "own_packs.copy", "social.branded",
    }  # fmt: skip


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The address of a real server."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_hits_of_many_readers_at_once_are_all_counted(app: Flask, served: str, campaign: Sent) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read() -> None:
        for _ in range(5):
            request = urllib.request.Request(f"{served}/o/{campaign.pixel()}.gif", headers={"User-Agent": FIREFOX})
            opener.open(request).close()

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    app.extensions["daisychain.hits"].flush()
    assert campaign.rollup().human_opens == 40
    assert len(campaign.events()) == 40
