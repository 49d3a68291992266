"""What the tests of the send wizard share: a newsletter, a list, the wizard, and a second person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from daisychain.database import Database
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import SavedNewsletter, create
from tests.command import Daisychain
from tests.desk.sending.wizard import TEXT, Wizard, leave
from tests.desk.staff import Browser, signed_in


@pytest.fixture
def people(daisychain: Daisychain) -> None:
    """A list with four people, of whom one has left."""
    daisychain("list", "create", "supporters", "--from", "Coalition <news@coalition.example>")
    names = "\n".join(f"{name}@gmail.example,{name}" for name in ("ann", "bob", "cat", "dan"))
    (daisychain.folder / "people.csv").write_text(f"email,first_name\n{names}\n")
    daisychain("list", "import", "supporters", "people.csv", "--basis", "consent", "--source", "paper")
    leave(daisychain, "dan")


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May bulletin", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def wizard(as_role: Callable[[str], Browser], may: SavedNewsletter, people: None) -> Wizard:
    browser = as_role("sender")
    browser.get("/desk/newsletters")
    return Wizard(browser, may)


@pytest.fixture
def strict(database: Database) -> None:
    """Every send needs a second person."""
    database.settings = replace(database.settings, approval="always")


@pytest.fixture
def approver(app: Flask, database: Database) -> Browser:
    """Priya, who may approve."""
    return signed_in(app, database, "admin", name="Priya")
