from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from daisychain.database import Database
from daisychain.secret import installation_secret
from pages.app import LARGEST_REQUEST, create_app
from sender.links.keys import KeyKind, Keys
from tests.sender.returns import Sent


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return create_app(database).test_client()


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


def test_an_error_is_logged_without_the_path_that_holds_a_key(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(database)
    key = Keys(installation_secret(database.settings)).make(KeyKind.VIEW, [1])[0]
    monkeypatch.setitem(app.view_functions, "readers.view", lambda key: 1 / 0)
    assert app.test_client().get(f"/v/{key}").status_code == 500
    assert "readers.view" in caplog.text
    assert key not in caplog.text
