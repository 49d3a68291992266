"""People whom a relay puts off are tried again with growing pauses, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from sender.campaigns.steering import retry
from sender.delivery import attempts
from sender.delivery.ledger import Ledger, read_ledger
from sender.providers.provider import Outcome, Verdict
from sender.providers.retry_times import PAUSES, judged
from sender.tables import Attempt, Batch
from tests.sender.delivery.test_ledger import batches, claimed, frozen

WORDS = "451 4.7.1 greylisted"


def put_off(database: Database, campaign_id: int, outcome: Outcome) -> datetime | None:
    """Let a batch's time come, send it, and record the outcome; returns when it is due again."""
    (batch,) = batches(database, campaign_id)
    with database.engine.begin() as connection:
        connection.execute(update(Batch).where(Batch.id == batch).values(not_before=func.now()))
    claim = claimed(database, batch)
    with database.engine.begin() as connection:
        return attempts.record(connection, claim.attempt_id, outcome)


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        return read_ledger(connection, campaign_id)


@pytest.mark.parametrize("tries", range(len(PAUSES)))
def test_each_pause_is_as_long_as_the_table_says(tries: int) -> None:
    again = judged(Outcome(Verdict.WAIT, deferred={1: WORDS}), tries).retry_at
    assert again is not None
    assert abs(again - datetime.now(UTC) - PAUSES[tries]) < timedelta(seconds=30)
    assert sorted(PAUSES) == list(PAUSES)


def test_who_is_put_off_too_often_fails_with_the_last_words_and_the_others_are_not_touched(database: Database) -> None:
    campaign_id = frozen(database, 3)
    first = Outcome(Verdict.ACCEPTED, waiting=frozenset({2}), deferred={2: WORDS})
    due = [put_off(database, campaign_id, first)]
    for _ in PAUSES[1:]:
        due.append(put_off(database, campaign_id, Outcome(Verdict.WAIT, deferred={2: WORDS})))
    assert None not in due
    assert ledger(database, campaign_id).waiting == 1
    assert put_off(database, campaign_id, Outcome(Verdict.WAIT, deferred={2: WORDS})) is None
    found = ledger(database, campaign_id)
    assert (found.accepted, found.failed, found.waiting) == (2, 1, 0)
    assert found.failed_by == {f"put off 10 times: {WORDS}": 1}
    with database.engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(Attempt)) == 10
        assert retry(connection, campaign_id, who="Ann", because="the relay was mended") == 1
    assert put_off(database, campaign_id, Outcome(Verdict.WAIT, deferred={2: WORDS})) is not None


def test_a_relay_that_is_away_is_waited_for_without_end(database: Database) -> None:
    campaign_id = frozen(database, 2)
    for _ in range(len(PAUSES) + 2):
        assert put_off(database, campaign_id, Outcome(Verdict.WAIT, "The relay: connection refused"))
    assert ledger(database, campaign_id).waiting == 2
