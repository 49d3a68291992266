from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from daisychain.database import Database
from daisychain.secret import installation_secret
from pages.app import LARGEST_REQUEST, create_app
from sender.links.keys import KeyKind, Keys
from tests.public_pages import public_app
from tests.sender.returns import Sent


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return public_app(database).test_client()


def test_the_front_page_leads_to_the_toolkits(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert b'href="/toolkits/community-makes-us"' in page.data


def test_healthz_says_that_the_database_answers(client: FlaskClient) -> None:
    assert client.get("/healthz").data == b"ok\n"


@pytest.mark.parametrize("path", ["/", "/toolkits/community-makes-us", "/healthz", "/nowhere"])
def test_every_answer_carries_the_headers_that_protect_it(client: FlaskClient, path: str) -> None:
    headers = client.get(path, headers={"Accept": "text/html"}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'; base-uri 'none'" in headers["Content-Security-Policy"]


def test_a_mistake_is_reported_in_plain_words(client: FlaskClient, campaign: Sent) -> None:
    answer = client.post(f"/u/{campaign.unsubscribe()}/leave", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert b"<h1" in answer.data


def test_an_upload_beyond_the_limit_is_refused(client: FlaskClient) -> None:
    assert client.post("/u/" + "A" * 22, data=b"x" * (LARGEST_REQUEST + 1)).status_code in (404, 413)


def test_pages_set_no_cookie_before_somebody_is_asked_for_something(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/toolkits/community-makes-us").headers


@pytest.mark.parametrize("path", ["/packs/%00", "/toolkits/a%00b", "/i/%00.png", "/static/%00", "/u/%00", "/%00"])
def test_a_path_with_a_nul_leads_nowhere(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


LIES = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript",
        "Forwarded": "host=evil.example;proto=javascript"}  # fmt: skip


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "https://news.daisies.org/letters"])
@pytest.mark.parametrize("path", ["//toolkits//community-makes-us", "/c/{click}//0", "//u/{unsubscribe}", "/nowhere"])
def test_no_address_in_an_answer_comes_from_the_request(
    database: Database, campaign: Sent, public_url: str, path: str
) -> None:
    database.settings = replace(database.settings, public_url=public_url)
    keys = {"click": campaign.click(), "unsubscribe": campaign.unsubscribe()}
    answer = public_app(database).test_client().get(path.format(**keys), headers=LIES)
    assert not {"evil.example", "javascript"} & set(re.findall(r"[a-z.]+", f"{answer.headers} {answer.text}"))
    if location := answer.headers.get("Location"):
        assert location.startswith(f"{public_url}/")


def test_pages_below_a_path_link_to_each_other_below_it(database: Database, campaign: Sent) -> None:
    database.settings = replace(database.settings, public_url="https://daisies.org/letters")
    page = public_app(database).test_client().get(f"/u/{campaign.unsubscribe()}").text
    assert f'action="/letters/u/{campaign.unsubscribe()}/leave"' in page
    assert 'href="/letters/static/daisychain.css"' in page


@pytest.mark.parametrize(("public_url", "said"), [("https://news.daisies.org", "max-age=31536000"), ("", None)])
@pytest.mark.parametrize("path", ["/", "/nowhere", "/u/x", "/healthz"])
def test_browsers_are_told_to_stay_with_https_if_we_have_it(
    database: Database, public_url: str, said: str | None, path: str
) -> None:
    database.settings = replace(database.settings, public_url=public_url)
    assert public_app(database).test_client().get(path).headers.get("Strict-Transport-Security") == said


def test_an_error_is_logged_without_the_path_that_holds_a_key(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(database)
    key = Keys(installation_secret(database.settings)).make(KeyKind.VIEW, [1])[0]
    monkeypatch.setitem(app.view_functions, "readers.view", lambda key: 1 / 0)
    assert app.test_client().get(f"/v/{key}").status_code == 500
    assert "readers.view" in caplog.text
    assert key not in caplog.text
