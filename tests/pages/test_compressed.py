"""What everybody may see is compressed; what may hold somebody's secret never is."""

from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

from tests.sender.returns import Sent

PAGE = "/toolkits/community-makes-us"
TAKES = {"Accept-Encoding": "gzip, br"}


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/emails", f"{PAGE}/website", "/static/toolkits.css"])
def test_public_pages_and_style_sheets_are_compressed_for_browsers_that_take_it(client: FlaskClient, path: str) -> None:
    with client.get(path) as plain, client.get(path, headers=TAKES) as small:
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert "Accept-Encoding" in small.headers["Vary"]
        assert gzip.decompress(small.data) == plain.data
        assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 2


def test_a_browser_that_has_the_file_gets_none(client: FlaskClient) -> None:
    with client.get("/static/toolkits.css", headers=TAKES) as first:
        etag = first.headers["ETag"]
    with client.get("/static/toolkits.css", headers={**TAKES, "If-None-Match": etag}) as again:
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/u/{key}", f"{PAGE}?partner=x", "/nowhere", "/healthz"])
def test_pages_with_a_key_are_not(client: FlaskClient, campaign: Sent, path: str) -> None:
    answer = client.get(path.format(key=campaign.unsubscribe()), headers={**TAKES, "Accept": "text/html"})
    assert ("Content-Encoding" in answer.headers) is path.startswith(PAGE)  # an unknown code is nobody's
