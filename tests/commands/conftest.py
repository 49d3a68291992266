"""A list, a newsletter and a provider for the tests of commands about campaigns."""

from __future__ import annotations

import pytest

from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid

BULLETIN = """\
---
subject: News for {{ member.first_name | default("you") }}
preheader: Small acts, and what they lead to
toolkit: community-makes-us
layout: bulletin
---
Dear {{ member.first_name | default("friend") }},

::: copy welcome

[Read on](https://coalition.example/read) about it.
"""
PEOPLE = "Email,First name\nann@people.example,Ann\nbob@people.example,Bob\ncay@people.example,\n"


@pytest.fixture
def friends(daisychain: Daisychain) -> Daisychain:
    """A list of three, and a bulletin to send to them."""
    (daisychain.folder / "bulletin.md").write_text(BULLETIN)
    (daisychain.folder / "people.csv").write_text(PEOPLE)
    daisychain("list", "create", "friends", "--from", "Coalition <hello@coalition.example>")
    daisychain("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "form")
    return daisychain


@pytest.fixture
def real(friends: Daisychain, sendgrid: FakeSendGrid) -> Daisychain:
    """The same, set up for the SendGrid stand-in."""
    return friends.with_settings(sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url)
