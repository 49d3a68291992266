"""Public pages that everybody can use: axe finds nothing on any of them, on wide, narrow, light and dark screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from newsletters.browser import axe
from newsletters.browser.browser import Browser, Page, View, open_browser
from tests.command import Daisychain
from tests.sender.returns import Sent

pytestmark = pytest.mark.usefixtures("chromium")

RUN = """axe.run(document).then(({violations}) => violations.flatMap(({id, nodes}) => nodes.map(
    ({target, failureSummary}) => `${id} at ${target[0]}: ${failureSummary}`)))"""
VIEWS = [View(width, dark=dark, scripts=True) for width in (360, 1280) for dark in (False, True)]


def old(campaign: Sent) -> str:
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET frozen_at = now() - interval '2 years'"))
    return f"/v/{campaign.view()}"


# What each page is: its path, and the fields that are posted to it, if any are.
PAGES: dict[str, Callable[[Sent], tuple[str, dict[str, str] | None]]] = {
    "front": lambda campaign: ("/", None),
    "toolkit": lambda campaign: ("/toolkits/community-makes-us", None),
    "emails": lambda campaign: ("/toolkits/community-makes-us/emails", None),
    "website": lambda campaign: ("/toolkits/community-makes-us/website", None),
    "unsubscribe": lambda campaign: (f"/u/{campaign.unsubscribe()}", None),
    "unsubscribe from a view": lambda campaign: (f"/u/{campaign.view()}", None),
    "not your address": lambda campaign: (f"/u/{campaign.view()}/leave", {"scope": "all", "address": "a@b.example"}),
    "unsubscribed": lambda campaign: (f"/u/{campaign.unsubscribe()}/leave", {"scope": "all"}),
    "undone": lambda campaign: (f"/u/{campaign.unsubscribe()}/undo?at=2026-01-01T00:00", {}),
    "no choice": lambda campaign: (f"/u/{campaign.unsubscribe()}/leave", {}),
    "view that has ended": lambda campaign: (old(campaign), None),
    "nothing": lambda campaign: ("/nowhere", None),
}


@pytest.fixture(scope="module")
def browser(chromium: None) -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def engine(scripts: None) -> str:
    return axe._engine()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_page(
    browser: Browser, engine: str, client: FlaskClient, campaign: Sent, daisychain: Daisychain, name: str
) -> None:
    path, form = PAGES[name](campaign)
    headers = {"Accept": "text/html"}
    page = client.get(path, headers=headers) if form is None else client.post(path, data=form, headers=headers)
    assert page.mimetype == "text/html"

    def file(path: str) -> bytes | None:
        with client.get(f"/{urlsplit(path).path}") as answer:
            return answer.data if answer.status_code == 200 else None

    found = {
        f"{view.width}{' dark' * view.dark}": browser.answer(Page(page.text, file), RUN, view, before=engine)
        for view in VIEWS
    }
    assert not {view: broken for view, broken in found.items() if broken}
