"""Slots claim from the batches themselves, one after the other; the jobs in the queue only wake them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text, update

from daisychain.database import Database
from daisychain.jobs import Workers, defer
from sender.campaigns import steering
from sender.campaigns.freeze import freeze
from sender.delivery import batch_jobs, claims, deliver
from sender.delivery.all_taken import record_all_taken
from sender.delivery.deliver import Deliverer
from sender.delivery.senders import LiveSender
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Sender
from sender.upkeep import foreground
from tests.sender.delivery.test_ledger import SENDER, batches, claimed, recorded
from tests.sender.delivery.test_senders import ledger
from tests.sender.staging import claim_batch, staged

JOBS = text("SELECT queue_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")


def frozen(database: Database, people: int, *, name: str = "friends") -> int:
    """Freeze a campaign of one batch a person."""
    campaign_id = staged(database, people, name=name)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1)
    return campaign_id


def worked(database: Database, *, concurrency: int = 1) -> None:
    """Work all queues until no job is left."""
    with LiveSender(database) as sender:
        extras = {"deliverer": Deliverer(database, sender)}
        with Workers(database, concurrency=concurrency, until_idle=True, extras=extras) as workers:
            workers.wait()


def jobs(database: Database) -> int:
    with database.engine.connect() as connection:
        return len(connection.scalars(JOBS).all())


@pytest.mark.parametrize(("people", "number"), [(3, 3), (20, batch_jobs.MOST_JOBS)])
def test_a_campaign_has_a_few_jobs_however_many_its_batches_and_a_claim_sees_to_the_next(
    database: Database, people: int, number: int
) -> None:
    campaign_id = frozen(database, people)
    with database.engine.begin() as connection:
        batch_jobs.wake(connection, campaign_id)
    assert jobs(database) == number
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    with LiveSender(database) as sender:
        Deliverer(database, sender).deliver_next(campaign_id)
        assert jobs(database) == 0
        Deliverer(database, sender).deliver_next(campaign_id, wakes=True)
    assert jobs(database) == min(people - 2, batch_jobs.MOST_JOBS)


def test_jobs_from_before_slots_claimed_by_themselves_go_on_working(database: Database) -> None:
    campaign_id = frozen(database, 3)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        old = [{"batch_id": batch_id} for batch_id in batches(database, campaign_id)]
        defer(connection, batch_jobs.deliver_batch, old, queue=batch_jobs.queue_of(campaign_id))
    assert batch_jobs.deliver_batch.name == "sender.deliver_batch"
    worked(database)
    assert ledger(database, campaign_id).accepted == 3


def test_the_parts_of_a_refused_batch_go_before_what_has_waited_since_the_freeze(database: Database) -> None:
    campaign_id = staged(database, 12)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=4)
    first, second, third = batches(database, campaign_id)
    recorded(database, claimed(database, first), Outcome(Verdict.REFUSED_REQUEST, detail="no"))
    parts = [batch_id for batch_id in batches(database, campaign_id) if batch_id > third]
    taken = []
    for _ in range(4):
        with database.engine.begin() as connection:
            batch = claims.take_next(connection, campaign_id, SENDER)
            assert batch
            assert claims.claim(connection, batch)
        taken.append(batch.id)
    assert taken == [*parts, second, third]


# Why a batch that waits is nobody's turn.
NOT_NOW: dict[str, Callable[[Connection, Database, int], Any]] = {
    "held": lambda connection, *_: connection.execute(update(Batch).values(held=True)),
    "later": lambda connection, *_: connection.execute(update(Batch).values(not_before=func.now() + text("'1 h'"))),
    "in flight": lambda connection, *_: connection.execute(update(Batch).values(state="sending")),
    "paused": lambda connection, _, campaign: steering.pause(connection, campaign, who="ann"),
    "cancelled": lambda connection, _, campaign: steering.cancel(connection, campaign, who="ann"),
    "lacking": lambda connection, *_: connection.execute(update(Sender).values(lacks={"outbox": "no"})),
}


@pytest.mark.parametrize("why", [*NOT_NOW, ""])
def test_the_next_batch_is_one_that_can_be_claimed_or_none(database: Database, why: str) -> None:
    campaign_id = frozen(database, 1)
    with LiveSender(database) as sender, database.engine.begin() as connection:
        NOT_NOW.get(why, lambda *_: None)(connection, database, campaign_id)
        with connection.begin_nested() as look:
            assert (claims.take_next(connection, campaign_id, sender.id) is None) == bool(why)
            look.rollback()
        claim = claim_batch(connection, connection.scalars(select(Batch.id)).one(), sender.id)
        assert (claim is None) == bool(why)


def test_slots_skip_what_others_have_locked_and_a_campaign_s_slots_take_no_other_s_batches(database: Database) -> None:
    campaign_id, other = frozen(database, 2), frozen(database, 1, name="others")
    with database.engine.connect() as one, database.engine.connect() as two, database.engine.connect() as three:
        taken = [claims.take_next(each, campaign_id, SENDER) for each in (one, two, three)]
        assert [batch and batch.id for batch in taken] == [*batches(database, campaign_id), None]
        free = claims.take_next(three, other, SENDER)
        assert free
        assert free.id == batches(database, other)[0]


def test_a_claim_is_two_statements(database: Database) -> None:
    campaign_id, sent = frozen(database, 3), []
    with database.engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: sent.append(given[2].split()[0]))
        batch = claims.take_next(connection, campaign_id, SENDER)
        assert batch
        claim = claims.claim(connection, batch)
    assert claim
    assert (sent, len(claim.people)) == (["UPDATE", "WITH"], 1)


def test_a_small_campaign_need_not_wait_until_a_large_one_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_jobs, "TURN", 0.0)
    large, small = frozen(database, 30), frozen(database, 2, name="others")
    worked(database)
    with database.engine.connect() as connection:
        order = connection.scalars(select(Attempt.campaign_id).order_by(Attempt.id)).all()
    assert (order.count(large), order.count(small)) == (30, 2)
    assert order.index(small) <= batch_jobs.MOST_JOBS + 1
    assert order[-1] == large


def test_a_batch_that_cannot_be_claimed_for_a_fault_holds_up_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = frozen(database, 5)
    broken, claim = batches(database, campaign_id)[0], claims.claim

    def breaks(connection: Connection, batch: claims.Taken, *rest: Any) -> claims.Claim | None:
        assert batch.id != broken
        return claim(connection, batch, *rest)

    monkeypatch.setattr(claims, "claim", breaks)
    worked(database)
    assert (ledger(database, campaign_id).accepted, ledger(database, campaign_id).waiting) == (4, 1)
    monkeypatch.setattr(claims, "claim", claim)
    with database.engine.begin() as connection:
        connection.execute(update(Batch).where(Batch.state == "waiting").values(not_before=func.now()))
    assert foreground.work_until_over(database, campaign_id) == "finished"


def test_a_campaign_whose_waking_jobs_were_lost_goes_on_after_a_sweep(database: Database) -> None:
    campaign_id = frozen(database, 3)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    assert foreground.work_until_over(database, campaign_id, processes=1) == "finished"
    with database.engine.connect() as connection:
        assert connection.scalars(select(Campaign.state)).one() == "finished"


def test_a_campaign_is_over_with_its_last_batches_also_if_they_end_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, together = frozen(database, 2), threading.Barrier(2)

    def recorded_together(*given: Any) -> bool:
        plain = record_all_taken(*given)
        together.wait(60)
        return plain

    monkeypatch.setattr(deliver, "record_all_taken", recorded_together)
    worked(database, concurrency=2)
    with database.engine.connect() as connection:
        assert connection.scalar(select(Campaign.state).where(Campaign.id == campaign_id)) == "finished"
