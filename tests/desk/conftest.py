"""What the tests of the desk share: the app, and a browser for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from accounts.rights import NEEDS_SECOND_FACTOR
from daisychain.database import Database
from desk.app import create_desk
from sender.providers.provider import Outcome, Verdict
from tests.desk.staff import Browser, make_account, sign_in
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded


@pytest.fixture
def app(database: Database) -> Flask:
    return create_desk(database)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(app)


@pytest.fixture
def as_role(app: Flask, database: Database) -> Callable[[str], Browser]:
    """Returns a browser in which somebody with a role is signed in."""

    def signed_in(role: str) -> Browser:
        browser = Browser(app)
        account_id, secret = make_account(database, role, factor=role in NEEDS_SECOND_FACTOR)
        assert sign_in(database, browser, account_id, secret).status_code == 200
        return browser

    return signed_in


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
