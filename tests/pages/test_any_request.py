"""Requests that nobody meant: every route, method, odd path, header and body gets an answer, and never a 5xx."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from daisychain.database import Database
from lists.lists import create_list
from lists.sign_up.sign_up_form import change_form
from pages.app import create_app
from sender.events.sendgrid_webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.fakes.sendgrid_events import Signer
from tests.sender.returns import Sent, sent

METHODS = ["GET"] * 6 + ["POST"] * 6 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "X" * 30, "GÉT"]
# Bytes in a path, as WSGI has them: one character each.
ODD = [
    "", "\0", "a\0b", "..", "../..", "./", "//", "%00", "%2e%2e", "%", "%zz", "\xff\xfe", "\xc3\xa9", "\xed\xa0\x80",
    "\xf4\x8f\xbf\xbf", " ", "\t", "\r\nX: y", "a" * 5000, "0", "-1", "9" * 30, "1e9", "True", "'; --", "{{7*7}}",
    "<script>", "\xe2\x80\xae", ";a=b", "a?b", "a#b", "\\", ":", "~", "*", "A" * 22, "A" * 21 + "B", "a" * 64 + ".png",
    "0" * 64 + ".jpg", ".", ".gif", ".zip",
]  # fmt: skip
TIMES = [
    "2026-11-28T10:00:00+00:00", "2026-11-28", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01",
    "9999-12-31T23:59:59.999999", "2026-11-28T10:00:00.000001Z", "20261128T10", "2026-W48-6", "nan", "",
]  # fmt: skip
HOSTS = ["[", "[::1", "a:b", "a:99999999", "evil.example", "\xe9", "", "a b", "@", "localhost", "a" * 300, "x\0y", "]["]
TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=", "text/plain", "/",
    "multipart/form-data; boundary=B", "application/x-www-form-urlencoded; charset=utf-7", "application/json", "\xe9",
    "multipart/form-data; boundary=\xff", "application/x-www-form-urlencoded; charset=\0", "a" * 2000, ";",
]  # fmt: skip
FIELDS = [
    "email",
    "first_name",
    "organisation",
    "wording",
    "language",
    "scope",
    "List-Unsubscribe",
    "at",
    "csrf_token",
    "",
    "a[]",
    "\0",
    "%00",
    "url",
    "lang",
]
VALUES = [
    "ann@people.example",
    "list",
    "all",
    "One-Click",
    "\0",
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "x" * 3000,
    "",
    "é",
    "[]",
    "{}",
    "0",
    *TIMES,
]
HEADERS: dict[str, list[str]] = {
    "HTTP_HOST": HOSTS,
    "HTTP_USER_AGENT": ["", "\0", "\xff" * 900, "Mozilla/5.0 \xed\xa0\x80", "x" * 9000],
    "HTTP_ACCEPT": ["", "*/*", "text/html", ";;q=x", "text/html;q=nan", "text/html;q=1e999", ",", "\0", "a/b" * 500],
    "HTTP_ACCEPT_LANGUAGE": ["", ";q=", "\xe9", "en;q=-1", "a" * 5000],
    "HTTP_ACCEPT_ENCODING": ["gzip", "\0", ";;", "identity;q=0"],
    "HTTP_COOKIE": ["session=x", "session=\0", "a" * 9000, "session=eyJ9.x.y", "=;=;"],
    "HTTP_AUTHORIZATION": ["Bearer", "Bearer \xe9", "Basic \xff", "Basic Og==", "\0", "Digest a=b,"],
    "HTTP_RANGE": ["bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=99999999999999999999-", "x", "bytes=0-0,1-1"],
    "HTTP_IF_NONE_MATCH": ["*", '"x"', 'W/"', "\0", '"' + "a" * 64 + '"'],
    "HTTP_IF_MODIFIED_SINCE": ["x", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 99999 99:99:99", "\0"],
    "HTTP_IF_RANGE": ['"x"', "x", "\0"],
    "HTTP_X_FORWARDED_FOR": ["1.2.3.4", "x", "", ",", "::1", "1.2.3.4, 5.6.7.8", "\0", "\xe9", "[", "1.2.3.4:80"],
    "HTTP_X_FORWARDED_PROTO": ["https", "javascript", "", "\0", "http,https"],
    "HTTP_X_FORWARDED_HOST": ["evil.example", "["],
    "HTTP_X_FORWARDED_PREFIX": ["/evil", "\0"],
    "HTTP_FORWARDED": ["for=x", ";;", "for=\0"],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
    "HTTP_REFERER": ["http://evil.example/", "\0", "["],
    "HTTP_ORIGIN": ["null", "http://[", "\0"],
    "HTTP_EXPECT": ["100-continue", "x"],
    "HTTP_TRANSFER_ENCODING": ["chunked", "x"],
    "CONTENT_TYPE": TYPES,
    "CONTENT_LENGTH": ["", "-1", "x", "0", "99999999999999999999", "5", "1e3", "\xb2", "4194305"],
    "REMOTE_ADDR": ["", "127.0.0.1", "::1", "unix:", "203.0.113.7", "fe80::1%eth0", "x"],
    "SERVER_PROTOCOL": ["HTTP/1.0", "HTTP/0.9"],
}


class Requests:
    """Makes requests of one route, the same ones in each run: half of the path's parts, headers and fields are odd."""

    def __init__(self, route: str, arguments: Sequence[str], campaign: Sent, signer: Signer, seed: int) -> None:
        self._route, self._arguments, self._campaign, self._signer = route, arguments, campaign, signer
        self._chance = random.Random(f"{route} {seed}")

    def _known(self, argument: str) -> str:
        doors = {"/o": self._campaign.pixel, "/c": self._campaign.click, "/v": self._campaign.view}
        key = doors.get(self._route[:2], self._campaign.unsubscribe)
        return {
            "key": key(self._chance.randrange(3)), "number": str(self._chance.randrange(4)),
            "newsletter": "welcome", "email": "welcome",
            "name": "community-makes-us", "dialect": "mailchimp", "filename": "daisychain.css", "pack_key": "x",
            "token": "A" * 43, "link": "A" * 22, "toolkit": "community-makes-us",
            "post": "social-chain", "size": "wide-small", "language": "en", "file": "badge.png",
        }[argument]  # fmt: skip

    def _any(self, *choices: str) -> str:
        """Return one of the choices, or parts of two odd texts."""
        if choices and self._chance.random() < 0.6:
            return self._chance.choice(choices)
        return "".join(self._chance.choice(ODD) for _ in range(self._chance.randint(1, 2)))

    def _path(self) -> str:
        path = self._route
        for argument in self._arguments:
            chosen = self._any(self._known(argument))
            path = re.sub(rf"<([^<>]*:)?{argument}>", lambda _, chosen=chosen: chosen, path)  # type: ignore[misc]
        odd = self._chance.random()
        return path + self._chance.choice(ODD) if odd < 0.1 else self._chance.choice(ODD) + path if odd < 0.15 else path

    def _fields(self) -> str:
        pairs = range(self._chance.randint(0, 3))
        return "&".join(f"{self._chance.choice(FIELDS)}={self._chance.choice(VALUES)}" for _ in pairs)

    def _body(self) -> bytes:
        fields = self._fields()
        return self._chance.choice([
            b"", fields.encode(), self._chance.randbytes(50), b"[" * 3000, b"[]", b'[{"event": 1}]', b'{"a": 1}',
            b'--B\r\nContent-Disposition: form-data; name="scope"\r\n\r\nlist\r\n--B--', b"--B\r\n\r\n--B",
            b"--B\r\nContent-Disposition: form-data; name*=x''%ff\r\n\r\nx\r\n--B--", b"\0" * 200, b"a=b&" * 2000,
            b'--B\r\nContent-Disposition: form-data; name="f"; filename="\0../x"\r\nContent-Type: \0\r\n\r\n\r\n--B--',
        ])  # fmt: skip

    def environ(self) -> dict[str, Any]:
        """Return the next request, as a WSGI server passes it on."""
        body = self._body()
        found: dict[str, Any] = {
            "REQUEST_METHOD": self._chance.choice(METHODS), "SCRIPT_NAME": "", "PATH_INFO": self._path(),
            "QUERY_STRING": self._fields(), "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
            "REMOTE_ADDR": self._chance.choice(["203.0.113.7", "127.0.0.1"]),
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1:8000",
            "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
        }  # fmt: skip
        if "webhooks" in self._route and self._chance.random() < 0.7:
            for name, value in self._signer.headers(body).items():
                found[f"HTTP_{name.upper().replace('-', '_')}"] = value
        for name in self._chance.sample(list(HEADERS), k=self._chance.choice([0, 1, 2, 5])):
            found[name] = self._chance.choice(HEADERS[name])
        if self._chance.random() < 0.1:
            for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER):
                found[f"HTTP_{name.upper().replace('-', '_')}"] = self._any("1", "MEUCIQ==", "\xe9")
        return found


def answer(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """Return the status and headers of an answer."""
    begun: list[Any] = []
    parts = app(environ, lambda status, headers, *_: begun.append((status, headers)))
    b"".join(parts)
    if close := getattr(parts, "close", None):
        close()
    [(status, headers)] = begun
    return int(status[:3]), headers


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "https://news.daisies.org/letters"])
@pytest.mark.parametrize(
    ("seed", "requests"), [(1, 40), pytest.param(2, 5_000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_whatever_is_asked_gets_an_answer(
    database: Database, caplog: pytest.LogCaptureFixture, seed: int, requests: int, public_url: str
) -> None:
    signer = Signer()
    database.settings = replace(
        database.settings, sendgrid_webhook_keys=(signer.public_key,), public_url=public_url, metrics_token="t" * 32
    )
    app, campaign = create_app(database), sent(database)
    with database.engine.begin() as connection:  # of the name that the routes' arguments have
        create_list(connection, "community-makes-us", sender="Connection Coalition <news@coalition.example>")
        change_form(connection, "community-makes-us", by="", is_open=True, toolkits=["community-makes-us"])
    failed: dict[str, list[str]] = {}
    for rule in app.url_map.iter_rules():
        generated = Requests(rule.rule, sorted(rule.arguments), campaign, signer, seed)
        for _ in range(requests):
            environ = generated.environ()
            asked = {name: str(value)[:80] for name, value in environ.items() if not name.startswith("wsgi")}
            caplog.clear()
            status, headers = answer(app.wsgi_app, environ)
            cause = next((f"{each.exc_info[1]!r}"[:300] for each in caplog.records if each.exc_info), "")
            if status >= 500:
                failed.setdefault(f"{rule.rule}: {status} {cause}", []).append(str(asked))
            if "Set-Cookie" in dict(headers) or "evil" in f"{headers}".lower():
                failed.setdefault(f"{rule.rule}: {headers}", []).append(str(asked))
    assert not failed, "\n".join(f"{len(asked)} times {what}\n    {asked[0]}" for what, asked in failed.items())
