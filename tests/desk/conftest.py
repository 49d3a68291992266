"""What the tests of the desk share: the app, and a browser for each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from unittest.mock import patch

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from accounts.rights import NEEDS_SECOND_FACTOR
from daisychain.database import Database
from daisychain.settings import Settings
from desk.app import create_desk
from sender.providers.provider import Outcome, Verdict
from tests.desk.chromium import Quiet, running_chromium, served
from tests.desk.staff import Browser, cookie_place, make_account, session_cookie, signed_in
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded
from tests.waiting import until


@pytest.fixture(scope="package")
def shared_app(usual_settings: Settings) -> Flask:
    """The application of all tests of a worker: its templates are compiled once."""
    return create_desk(Database(usual_settings))


@pytest.fixture
def app(shared_app: Flask, database: Database) -> Iterator[Flask]:
    """The application with this test's database; what a test changes of it is as before in the next one."""
    shared_app.extensions["daisychain"] = database
    with patch.dict(shared_app.view_functions), patch.dict(shared_app.config):
        yield shared_app


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(app)


@pytest.fixture
def as_role(app: Flask, database: Database) -> Callable[[str], Browser]:
    """Returns a browser in which somebody with a role is signed in."""
    return partial(signed_in, app, database)


@pytest.fixture
def admin(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("admin")


@pytest.fixture
def under_way(database: Database) -> int:
    """Six people: one accepted, one failed, two uncertain, two waiting."""
    campaign_id = frozen(database, 6, batch_size=2)
    first, second, _ = batches(database, campaign_id)
    refused = {2: "mailbox full"}
    recorded(database, claimed(database, first), Outcome(Verdict.ACCEPTED, status=202, refused=refused))
    recorded(database, claimed(database, second), Outcome(Verdict.UNCERTAIN, detail="no answer"))
    return campaign_id


# Not for the whole session: while Playwright runs, its thread can run no event loop of anybody else.
@pytest.fixture(scope="package")
def running(chromium: None) -> Iterator[Chromium]:
    """The one Chromium of a worker."""
    with running_chromium() as running:
        yield running


@pytest.fixture(scope="package")
def server_url(shared_app: Flask) -> Iterator[str]:
    with served(shared_app) as url:
        yield url


@pytest.fixture
def url(app: Flask, server_url: str) -> Iterator[str]:
    """Where the application is served, with this test's database, which is there until all is answered."""
    Quiet.closed = False
    yield server_url
    # What a browser still sends while it is closed opens no connection and no file, which nobody would close.
    Quiet.closed = True
    until(lambda: not Quiet.busy)


@pytest.fixture
def opened(running: Chromium, url: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of its own cookies; whatever is wrong with its scripts, styles and pictures fails the test."""
    contexts, wrong = [], []

    def open_page(width: int = 1280, scheme: str = "light", *, scripts: bool = True) -> Page:
        context = running.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts,  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser reports answers such as 404 and 422 as errors too; that Playwright may run nothing in the preview; and
    # that its pictures have the address of the public pages, which no test serves.
    expected = ("Failed to load resource", "Blocked script execution", "Loading the image 'http://127.0.0.1:")
    assert not [text for text in wrong if not text.startswith(expected)]


@pytest.fixture
def opened_as(opened: Callable[..., Page], url: str, app: Flask, database: Database) -> Callable[..., Page]:
    """Opens Home where somebody with a role has signed in: `opened_as("sender", 375, "dark")`."""

    def open_page(role: str, *view: object, **options: object) -> Page:
        account_id, _ = make_account(database, role, factor=role in NEEDS_SECOND_FACTOR)
        page = opened(*view, **options)
        (name, path), value = cookie_place(app), session_cookie(app, database, account_id)
        page.context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": path}])
        page.goto(f"{url}/desk/")
        return page

    return open_page
