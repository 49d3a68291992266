"""What tests of the sender share: SendGrid's stand-in, a real server on loopback, and whoever sends through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from daisychain.settings import Settings
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid


@pytest.fixture
def sendgrid() -> Iterator[FakeSendGrid]:
    """The stand-in."""
    with FakeSendGrid() as fake:
        yield fake


@pytest.fixture
def through_sendgrid(settings: Settings, sendgrid: FakeSendGrid) -> Settings:
    """Settings with which members' mail goes to the stand-in."""
    return replace(
        settings, sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url,
        public_url="https://news.coalition.org",
    )  # fmt: skip


@pytest.fixture
def send(daisychain: Daisychain, through_sendgrid: Settings) -> Daisychain:
    """The command line with these settings."""
    return replace(daisychain, settings=through_sendgrid)
