"""People whom a relay defers are retried with growing pauses, up to ten times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from sender.campaigns.steering import retry
from sender.delivery import attempts
from sender.delivery.ledger import Ledger, read_ledger
from sender.providers.provider import Outcome, Verdict
from sender.providers.retry_times import DEFERRED_PAUSES, with_retry
from sender.tables import Attempt, Batch
from tests.sender.delivery.test_ledger import batches, claimed, frozen

WORDS = "451 4.7.1 greylisted"


def deferred_again(database: Database, campaign_id: int, outcome: Outcome) -> datetime | None:
    """Make a batch due, send it, and record the outcome; returns when it is due again."""
    (batch,) = batches(database, campaign_id)
    with database.engine.begin() as connection:
        connection.execute(update(Batch).where(Batch.id == batch).values(not_before=func.now()))
    claim = claimed(database, batch)
    with database.engine.begin() as connection:
        return attempts.record(connection, claim.attempt_id, outcome)


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        return read_ledger(connection, campaign_id)


@pytest.mark.parametrize("tries", range(len(DEFERRED_PAUSES)))
def test_each_pause_is_as_long_as_the_table_says(tries: int) -> None:
    again = with_retry(Outcome(Verdict.RETRY, deferred={1: WORDS}), tries).retry_at
    assert again is not None
    assert abs(again - datetime.now(UTC) - DEFERRED_PAUSES[tries]) < timedelta(seconds=30)
    assert sorted(DEFERRED_PAUSES) == list(DEFERRED_PAUSES)


def test_people_deferred_too_often_fail_with_the_last_reply_and_others_are_not_touched(database: Database) -> None:
    campaign_id = frozen(database, 3)
    first = Outcome(Verdict.ACCEPTED, waiting=frozenset({2}), deferred={2: WORDS})
    due = [deferred_again(database, campaign_id, first)]
    for _ in DEFERRED_PAUSES[1:]:
        due.append(deferred_again(database, campaign_id, Outcome(Verdict.RETRY, deferred={2: WORDS})))
    assert None not in due
    assert ledger(database, campaign_id).waiting == 1
    assert deferred_again(database, campaign_id, Outcome(Verdict.RETRY, deferred={2: WORDS})) is None
    found = ledger(database, campaign_id)
    assert (found.accepted, found.failed, found.waiting) == (2, 1, 0)
    assert found.failed_by == {f"put off 10 times: {WORDS}": 1}
    with database.engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(Attempt)) == 10
        assert retry(connection, campaign_id, who="Ann", because="the relay was mended") == 1
    assert deferred_again(database, campaign_id, Outcome(Verdict.RETRY, deferred={2: WORDS})) is not None


def test_a_relay_that_is_down_is_retried_without_limit(database: Database) -> None:
    campaign_id = frozen(database, 2)
    for _ in range(len(DEFERRED_PAUSES) + 2):
        assert deferred_again(database, campaign_id, Outcome(Verdict.RETRY, "The relay: connection refused"))
    assert ledger(database, campaign_id).waiting == 2
