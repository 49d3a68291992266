"""People who sign in, for tests: made by the rooms' own functions, with browsers that have their cookie."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from accounts.credentials import unsealed
from accounts.invitations import invite, take_link
from accounts.rights import NEEDS_SECOND_FACTOR
from accounts.second_factor import offer_secret, set_up_factor
from accounts.sessions import start_session
from accounts.tables import StaffAccount
from daisychain.database import Database, database_now
from desk.access import TOKEN
from desk.account.kept_form import OWNER

ADDRESS, AGENT = "203.0.113.77", "Firefox/140.0 Windows"
PASSWORD = "otter lantern gravel tulip"


def app_code(database: Database, secret: bytes, steps: int = 0) -> str:
    """Return what an authenticator app shows now, or so many steps later."""
    with database.engine.connect() as connection:
        now = database_now(connection).timestamp()
    return TOTP(secret, 6, SHA1(), 30).generate(int(now) + 30 * steps).decode()  # noqa: S303 - as apps do


def make_account(database: Database, role: str, *, factor: bool = True, name: str = "") -> tuple[int, bytes]:
    """Make an account by an invitation that is taken; returns its id, and the secret of its second factor."""
    with database.engine.begin() as connection:
        token = invite(connection, f"{role}@coalition.example", role, "the test")
        account_id = take_link(connection, token, name or f"{role.title()} Example", PASSWORD)
    if not factor:
        return account_id, b""
    _, offered = offer_secret(database.settings)
    secret = unsealed(database.settings, bytes.fromhex(offered)) or b""
    with database.engine.begin() as connection:
        set_up_factor(connection, database.settings, account_id, offered, app_code(database, secret))
    free_code(database, account_id)
    return account_id, secret


def free_code(database: Database, account_id: int) -> None:
    """Let the code of this half minute be taken once more, so that no test waits for the next."""
    with database.engine.begin() as connection:
        connection.execute(update(StaffAccount).where(StaffAccount.id == account_id).values(totp_step=0))


def cookie_place(app: Flask) -> tuple[str, str]:
    """Return the name and the path of the cookie of sessions."""
    return app.config["SESSION_COOKIE_NAME"], app.config["SESSION_COOKIE_PATH"]


@dataclass
class Browser:
    """A browser at the desk: it sends the token of the last page with each form, as a person's would."""

    app: Flask
    client: FlaskClient = field(init=False)
    page: str = ""
    secret: bytes = b""  # of the second factor of the person who is signed in
    _token: tuple[object, str] = (None, "")  # of forms, and the cookie that it goes with

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.client.environ_base |= {"REMOTE_ADDR": ADDRESS, "HTTP_USER_AGENT": AGENT}

    def get(self, path: str) -> TestResponse:
        """Open a page, and follow where it leads."""
        return self._seen(self.client.get(path, follow_redirects=True))

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form, and follow where it leads."""
        data = {"csrf_token": self.token(), **fields}
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self._seen(self.client.post(path, data=data, headers=headers, follow_redirects=True))

    def ask(self, path: str, method: str) -> TestResponse:
        """Ask once, with nothing but a token, and follow nowhere."""
        data = {"csrf_token": self.token()} if method == "POST" else None
        headers = {"X-CSRFToken": self.token()} if method == "PUT" else None
        return self.client.open(path, method=method, data=data, headers=headers)

    def token(self) -> str:
        """Return a token for a form, from the sign-in page, which everybody may open."""
        if self._token[0] is None or self._token[0] != self._cookie():
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/desk/sign-in").text)
            assert found is not None
            self._token = (self._cookie(), found[1])
        return self._token[1]

    def _cookie(self) -> object:
        name, path = cookie_place(self.app)
        cookie = self.client.get_cookie(name, path=path)
        return cookie and cookie.value

    def _seen(self, answer: TestResponse) -> TestResponse:
        self.page = answer.text
        return answer

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field of the last page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found is not None, self.page
        return found[1]


def session_cookie(app: Flask, database: Database, account_id: int) -> str:
    """Start a session without the pages of the sign-in; returns the cookie that a browser would be given.

    To sign in took two fifths of the time of a test that is about something else.
    """
    with database.engine.begin() as connection:
        token = start_session(connection, account_id, ADDRESS, AGENT, complete=True)
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return str(signer.dumps({TOKEN: token, OWNER: account_id}))


def signed_in(app: Flask, database: Database, role: str, *, name: str = "") -> Browser:
    """Return a browser in which somebody with a role is signed in, with the second factor that the role needs."""
    browser = Browser(app)
    account_id, browser.secret = make_account(database, role, factor=role in NEEDS_SECOND_FACTOR, name=name)
    cookie, path = cookie_place(app)
    browser.client.set_cookie(cookie, session_cookie(app, database, account_id), path=path)
    return browser


def sign_in(database: Database, browser: Browser, account_id: int, secret: bytes = b"") -> TestResponse:
    """Sign in by the pages."""
    with database.engine.connect() as connection:
        email = connection.execute(select(StaffAccount.email).where(StaffAccount.id == account_id)).scalar_one()
    browser.get("/desk/sign-in")
    answer = browser.post("/desk/sign-in", email=email, password=PASSWORD)
    if secret:
        browser.secret = secret
        answer = browser.post("/desk/sign-in/code", code=app_code(database, secret))
        free_code(database, account_id)
    return answer
