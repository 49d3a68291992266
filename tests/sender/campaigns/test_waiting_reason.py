"""A provider that has us wait is told to whoever looks, and looking wakes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import func, select, text

from commands.campaigns.campaign_tables import watch_ledger
from daisychain import clock
from daisychain.database import Database
from sender.campaigns import status, steering, waiting_reason
from sender.delivery.ledger import read_ledger
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt
from tests.command import Daisychain
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded

SOON = datetime.now(UTC).replace(microsecond=500_000) + timedelta(hours=6)  # the run began long ago, perhaps
ASKED = Outcome(Verdict.RETRY, "SendGrid answered 429: too many requests", status=429, retry_at=SOON)


def waiting(database: Database, outcome: Outcome = ASKED) -> int:
    campaign_id = frozen(database, 3)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), outcome)
    return campaign_id


def upcoming(database: Database, campaign_id: int) -> waiting_reason.WaitingReason | None:
    with database.engine.connect() as connection:
        return waiting_reason.find_waiting_reason(connection, campaign_id)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ASKED, "SendGrid asks us to wait until "),
        (
            Outcome(Verdict.RETRY, "SendGrid could not be reached: refused", retry_at=SOON),
            "SendGrid could not be reached: refused; next try at ",
        ),
        (
            Outcome(Verdict.ACCEPTED, "The relay: 451 greylisted", waiting=frozenset({2}), retry_at=SOON),
            "The relay: 451 greylisted; next try at ",
        ),
    ],
)
def test_what_is_waited_for_is_told_with_its_time(database: Database, outcome: Outcome, words: str) -> None:
    wait = upcoming(database, waiting(database, outcome))
    assert wait is not None
    assert wait.text.startswith(words)
    assert clock.shown_time(SOON) in wait.text or clock.shown(SOON) in wait.text


@pytest.mark.parametrize("ended", ["over", "paused", "no wait"])
def test_nothing_is_told_once_nothing_is_waited_for(database: Database, ended: str) -> None:
    campaign_id = waiting(database, Outcome(Verdict.ACCEPTED) if ended == "no wait" else ASKED)
    with database.engine.begin() as connection:
        if ended == "paused":
            steering.pause(connection, campaign_id, who="ann")
        elif ended == "over":
            connection.execute(text("UPDATE batches SET not_before = now()"))
    assert upcoming(database, campaign_id) is None


def test_status_tells_people_and_scripts_and_wakes_nothing(database: Database, daisychain: Daisychain) -> None:
    campaign_id = waiting(database)

    def jobs() -> Any:
        with database.engine.connect() as connection:
            attempts = connection.scalar(select(func.count()).select_from(Attempt))
            return attempts, connection.scalar(text("SELECT count(*) FROM procrastinate_jobs"))

    before = jobs()
    assert "SendGrid asks us to wait until " in daisychain("campaign", "status", str(campaign_id)).stdout
    with database.engine.connect() as connection:
        wait = status.campaign_status(connection, campaign_id).wait
    assert (abs(wait.until - SOON) < timedelta(seconds=5), wait.status) == (True, 429)
    assert jobs() == before


def test_the_bar_says_what_is_waited_for_and_without_a_bar_it_is_said_once(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign_id = waiting(database)
    wait = upcoming(database, campaign_id)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
    for disable in (False, True):
        bar = Progress(console=Console(stderr=True, quiet=True), disable=disable)
        watch = watch_ledger(bar)
        for each in (None, wait, wait, None):
            watch(ledger, each)
            if not disable:
                assert bar.tasks[0].description == (each.text if each else "Sending")
    assert capsys.readouterr().err.count("SendGrid asks us to wait until") == 1
