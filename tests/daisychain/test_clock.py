"""Times for people are in the installation's zone, and say which."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from daisychain import clock
from daisychain.database import Database
from tests.command import Daisychain
from tests.sender.staging import staged

WINTER, SUMMER = datetime(2026, 12, 1, 9, 30, 15, tzinfo=UTC), datetime(2026, 7, 1, 23, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _london_again() -> Iterator[None]:
    yield
    clock.use_zone("Europe/London")


@pytest.mark.parametrize(
    ("zone", "moment", "words"),
    [
        ("Europe/London", WINTER, "2026-12-01 09:30 GMT"),
        ("Europe/London", SUMMER, "2026-07-02 00:30 BST"),
        ("America/New_York", WINTER, "2026-12-01 04:30 EST"),
        ("UTC", SUMMER, "2026-07-01 23:30 UTC"),
    ],
)
def test_people_read_their_own_time_and_its_zone(zone: str, moment: datetime, words: str) -> None:
    clock.use_zone(zone)
    assert clock.shown(moment) == words
    assert clock.shown_time(moment) == f"{words[11:16]}:15 {words[17:]}"


def test_words_that_are_kept_say_utc_whatever_the_zone() -> None:
    clock.use_zone("America/New_York")
    assert clock.recorded(SUMMER) == "2026-07-01 23:30:15 UTC"


def test_a_command_understands_and_shows_times_in_the_zone_of_the_settings(
    database: Database, daisychain: Daisychain
) -> None:
    send = ("campaign", "send", str(staged(database, 1)), "--yes", "--as-created", "--at", "2099-12-01 09:30")
    told = daisychain.with_settings(time_zone="Asia/Kolkata")(*send)
    assert "2099-12-01 09:30 IST" in told.stdout + told.stderr
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT starts_at FROM campaigns")) == datetime(2099, 12, 1, 4, 0, tzinfo=UTC)
