"""The send wizard for tests: its pages in a browser, and what happens around them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from daisychain.database import Database
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, load
from newsletters.stored.saving import save
from sender.campaigns.due_campaigns import start_due_campaigns
from sender.tables import Campaign
from tests.command import Daisychain
from tests.desk.staff import Browser

TEXT = """---
subject: Kindness, next door
preheader: Three small things.
toolkit: community-makes-us
title: May bulletin
---
Dear {{ member.first_name | default("friend") }},

::: copy welcome

::: button "Join us" href="{{ toolkit.links['join'] }}"
"""


@dataclass
class Wizard:
    """The wizard's pages of one newsletter, in a sender's browser."""

    browser: Browser
    newsletter: SavedNewsletter

    @property
    def path(self) -> str:
        return f"/desk/newsletters/{self.newsletter.id}/send"

    def draft(self, **fields: str) -> str:
        """Go through the checks."""
        return self.browser.post(f"{self.path}/checks", list="supporters", **fields).text

    def plan(self, **chosen: str) -> str:
        """Choose when."""
        return self.browser.post(f"{self.path}/when", **chosen).text

    def look(self) -> str:
        """Open the last page."""
        return self.browser.get(f"{self.path}/look").text

    def form(self) -> dict[str, str]:
        """The hidden fields of the last page's button."""
        return {name: self.browser.hidden(name) for name in ("campaign", "seen")}

    def go(self, **fields: str) -> str:
        """Press the button."""
        return self.browser.post(f"{self.path}/go", **{**self.form(), **fields}).text


def campaigns(database: Database) -> list[tuple[str, int]]:
    with database.engine.connect() as connection:
        rows = connection.execute(select(Campaign.state, Campaign.intended).order_by(Campaign.id))
        return [tuple(row) for row in rows]


def start(database: Database) -> None:
    """What a worker does within a second."""
    with database.engine.begin() as connection:
        start_due_campaigns(connection, database.settings)


def rewrite(database: Database, newsletter: SavedNewsletter, words: str, toolkit: str = "community-makes-us") -> None:
    with database.engine.begin() as connection:
        now = load(connection, newsletter.id)
        changed = now.contents.texts[""].replace("Dear", words).replace("community-makes-us", toolkit)
        change = Change({"": changed})
        save(connection, newsletter.id, now.version, change, who="Sam")


def leave(daisychain: Daisychain, name: str) -> None:
    daisychain("list", "unsubscribe", "supporters", f"{name}@gmail.example")
