"""What the tests of pages share: the app, a browser, and a campaign that was sent."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from daisychain.database import Database
from tests.public_pages import public_app
from tests.sender.returns import FIREFOX, Sent, sent


@pytest.fixture
def app(database: Database) -> Flask:
    return public_app(database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser; its address is 203.0.113.77."""
    client = app.test_client()
    client.environ_base |= {"REMOTE_ADDR": "203.0.113.77", "HTTP_USER_AGENT": FIREFOX}
    return client


@pytest.fixture
def campaign(database: Database) -> Sent:
    return sent(database)
