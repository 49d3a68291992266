"""Public pages that everybody can use: axe finds nothing on any of them, on wide, narrow, light and dark screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from lists.lists import create_list, edit_list
from lists.sign_up.asking import keep_sign_up
from lists.sign_up.sign_up_form import add_wording, change_form, sign_up_form
from lists.sign_up.typed_sign_up import read_typed
from newsletters.browser import axe
from newsletters.browser.browser import Browser, Page, View, open_browser
from newsletters.packs.pack_status import withdraw
from partners.private_links import write_key
from partners.profiles import replace_link
from sender.links.keys import KeyKind
from tests.command import Daisychain
from tests.partners.hive import add_bees
from tests.sender.returns import Sent

pytestmark = pytest.mark.usefixtures("chromium")

RUN = """axe.run(document).then(({violations}) => violations.flatMap(({id, nodes}) => nodes.map(
    ({target, failureSummary}) => `${id} at ${target[0]}: ${failureSummary}`)))"""
VIEWS = [View(360, dark=True, scripts=True), View(1280, dark=False, scripts=True)]


def old(campaign: Sent) -> str:
    with campaign.database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET frozen_at = now() - interval '2 years'"))
    return f"/v/{campaign.view()}"


def sign_up(campaign: Sent, error: bool = False) -> tuple[str, dict[str, str]]:
    """Open a form for organisations and one for supporters, and post to the first."""
    with campaign.database.engine.begin() as connection:
        for name, who in (("hives", "organisations"), ("callers", "supporters")):
            create_list(connection, name, sender="Connection Coalition <news@coalition.example>")
            change_form(connection, name, by="", is_open=True, who=who, toolkits=["community-makes-us"])
        add_wording(connection, "hives", "Geiriau.", by="", language="cy")
    return "/join/hives", {"email": "ann@people.example", "organisation": "<Bees>" if error else "Bees"}


def to_confirm(campaign: Sent) -> str:
    """Ask for a sign-up; returns the path of its page."""
    sign_up(campaign)
    typed = read_typed({"email": "ann@people.example", "organisation": "Bees"}, for_organisations=True)
    with campaign.database.engine.begin() as connection:
        form = sign_up_form(connection, "hives")
        token = keep_sign_up(
            connection, campaign.database.settings, form, typed, form.wording("en"), language="en", network=""
        )
    return f"/join/confirm/{token}"


def private_page(campaign: Sent, *, replaced: bool = False) -> str:
    """Add an organisation with a current and a withdrawn email, and return its private page."""
    with campaign.database.engine.begin() as connection:
        bees = add_bees(connection, packs=("may", "june"))
        withdraw(connection, "june", "The date is wrong.")
        if replaced:
            replace_link(connection, bees.organisation.id)
    return f"/p/{write_key(campaign.database.settings, bees.link)}"


def archive_of(campaign: Sent) -> tuple[str, None]:
    """Show the past bulletins of the list, of which there is one."""
    with campaign.database.engine.begin() as connection:
        edit_list(connection, "friends", archive=True)
        connection.execute(text("UPDATE campaigns SET state = 'finished', intended = 3, frozen_at = now()"))
    return "/archive/friends", None


# What each page is: its path, and the fields that are posted to it, if any are.
PAGES: dict[str, Callable[[Sent], tuple[str, dict[str, str] | None]]] = {
    "front": lambda campaign: ("/", None),
    "toolkit": lambda campaign: ("/toolkits/community-makes-us", None),
    "emails": lambda campaign: ("/toolkits/community-makes-us/emails", None),
    "social": lambda campaign: ("/toolkits/community-makes-us/social", None),
    "social with errors": lambda campaign: ("/toolkits/community-makes-us/social", {"name": "", "accent": "beige-ish"}),
    "website": lambda campaign: ("/toolkits/community-makes-us/website", None),
    "unsubscribe": lambda campaign: (f"/u/{campaign.unsubscribe()}", None),
    "preferences": lambda campaign: (f"/preferences/{campaign.key(0, KeyKind.PREFERENCES)}", None),
    "preferences to fix": lambda campaign: (
        f"/preferences/{campaign.key(0, KeyKind.PREFERENCES)}",
        {"first_name": "<"},
    ),
    "past bulletins": archive_of,
    "unsubscribe from a view": lambda campaign: (f"/u/{campaign.view()}", None),
    "not your address": lambda campaign: (f"/u/{campaign.view()}/leave", {"scope": "all", "address": "a@b.example"}),
    "unsubscribed": lambda campaign: (f"/u/{campaign.unsubscribe()}/leave", {"scope": "all"}),
    "undone": lambda campaign: (f"/u/{campaign.unsubscribe()}/undo?at=2026-01-01T00:00", {}),
    "no choice": lambda campaign: (f"/u/{campaign.unsubscribe()}/leave", {}),
    "view that has ended": lambda campaign: (old(campaign), None),
    "who would like to join": lambda campaign: (sign_up(campaign)[0] and "/toolkits/community-makes-us/join", None),
    "sign-up": lambda campaign: (sign_up(campaign)[0], None),
    "sign-up with errors": lambda campaign: sign_up(campaign, error=True),
    "sign-up to confirm": lambda campaign: (to_confirm(campaign), None),
    "sign-up confirmed": lambda campaign: (to_confirm(campaign), {}),
    "sign-up with a link that is lost": lambda campaign: ("/join/confirm/lost", None),
    "private page": lambda campaign: (private_page(campaign), None),
    "private page with a mistake": lambda campaign: (f"{private_page(campaign)}/details", {"colour": "puce"}),
    "private link that was replaced": lambda campaign: (private_page(campaign, replaced=True), None),
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
