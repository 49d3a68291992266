"""A sender whose line to the database breaks, or whose answers can't be written down, loses no job, keeps no batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import make_url, select, text

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.errors import DatabaseError
from daisychain.jobs import Workers
from daisychain.settings import Settings
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.freeze import freeze
from sender.campaigns.steering import resume
from sender.delivery import batch_jobs, deliver
from sender.delivery.deliver import Deliverer
from sender.delivery.ledger import Ledger, read_ledger
from sender.delivery.senders import LiveSender
from sender.events import webhook_jobs
from sender.providers.outbox import Outbox
from sender.providers.provider import Outcome
from sender.tables import Attempt, Batch, Sender
from sender.upkeep import chores, foreground
from sender.upkeep.sweep import sweep
from tests.sender.staging import staged
from tests.sender.wire import Wire
from tests.waiting import until

LOSE = text("""
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE application_name = 'daisychain sender' AND datname = current_database()
""")
# Each refusal counts although it is undone: a sequence goes on in spite of that.
REFUSE = text("""
    CREATE SEQUENCE refusals;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('refusals') <= TG_ARGV[0]::int THEN RAISE EXCEPTION 'not now'; END IF;
        RETURN NEW;
    END $$;
""")


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        return read_ledger(connection, campaign_id)


def only_batch(database: Database) -> int:
    with database.engine.connect() as connection:
        return connection.scalars(select(Batch.id)).one()


def lose_locks(database: Database) -> None:
    """Close the connections that hold senders' locks, as an administrator or a network failure does."""
    with database.engine.connect() as connection:
        connection.execute(LOSE)


def refuse(database: Database, times: int) -> None:
    """Make PostgreSQL refuse to record an attempt's outcome, so many times."""
    with database.engine.begin() as connection:
        connection.execute(REFUSE)
        connection.execute(
            text(f"CREATE TRIGGER refuse BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION refuse({times})")
        )


def test_a_lost_lock_makes_a_new_sender_which_delivers(database: Database) -> None:
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    with LiveSender(database) as sender:
        first = sender.id
        lose_locks(database)
        Deliverer(database, sender).deliver(only_batch(database))
        with database.engine.connect() as connection:
            ended = connection.scalars(select(Sender.id).where(Sender.ended_at.is_not(None))).all()
            by = connection.scalars(select(Attempt.sender_id)).one()
    assert ledger(database, campaign_id).accepted == 3
    assert (ended, by) == ([first], first + 1)


def test_workers_whose_sender_lost_its_lock_send_on(database: Database) -> None:
    campaign_id = staged(database, 3)
    with LiveSender(database) as sender:
        lose_locks(database)
        foreground.start(database, campaign_id)
        extras = {"deliverer": Deliverer(database, sender)}
        with Workers(database, queues=[batch_jobs.queue_of(campaign_id)], until_idle=True, extras=extras) as workers:
            workers.wait()
    assert ledger(database, campaign_id).accepted == 3


def test_a_lock_that_cannot_be_taken_again_claims_nothing_and_keeps_the_job(
    database: Database, settings: Settings, server: EmbeddedServer
) -> None:
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    name = make_url(settings.database_url).database
    assert name is not None
    with Wire(server.socket) as wire, LiveSender(Database(replace(settings, database_url=wire.url(name)))) as sender:
        wire.cut()
        deliverer = Deliverer(database, sender)
        with pytest.raises(DatabaseError):
            deliverer.deliver(only_batch(database))
        with Workers(
            database, queues=[batch_jobs.queue_of(campaign_id)], until_idle=True, extras={"deliverer": deliverer}
        ) as workers:
            workers.wait()
    assert ledger(database, campaign_id).waiting == 3
    with database.engine.connect() as connection:
        jobs = text("SELECT status::text, attempts FROM procrastinate_jobs WHERE queue_name = :queue")
        assert connection.execute(jobs, {"queue": batch_jobs.queue_of(campaign_id)}).all() == [("todo", 1)]


def test_an_answer_that_could_not_be_written_down_is_written_at_the_next_try(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PAUSES", (0.0, 0.0))
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    refuse(database, 2)
    with LiveSender(database) as sender:
        Deliverer(database, sender).deliver(only_batch(database))
    assert ledger(database, campaign_id).accepted == 3


def test_an_answer_that_cannot_be_written_down_becomes_uncertain_while_its_sender_lives(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PAUSES", (0.0,))
    monkeypatch.setattr(Outbox, "repeatable", False)  # as with every provider that mails people
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    refuse(database, 2)
    with LiveSender(database) as sender:
        first = sender.id
        with pytest.raises(Exception, match="not now"):
            Deliverer(database, sender).deliver(only_batch(database))
        assert ledger(database, campaign_id).in_flight == 3

        def swept() -> bool:
            with database.engine.begin() as connection:
                return sweep(connection, database.settings) == 1

        until(swept)
        assert ledger(database, campaign_id).uncertain == 3
        assert sender.verified_id() != first


def test_events_and_chores_go_before_the_batches_that_wait(database: Database) -> None:
    foreground.start(database, staged(database, 3))
    with database.engine.begin() as connection:
        webhook_jobs.store_body(connection, b"[]")
        deferred = chores.defer_due_chores(connection, database.settings)
        connection.execute(text("UPDATE webhook_bodies SET received_at = now() - interval '1 hour'"))
        connection.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = 'events'"))
        webhook_jobs.defer_unprocessed(connection)
        order = "SELECT (procrastinate_fetch_job_v2(NULL, NULL)).queue_name"
        queues = [connection.scalar(text(order)) for _ in range(len(deferred) + 2)]
    assert queues[-1].startswith("campaign-")
    assert set(queues[:-1]) == {"events", "chores"}


def test_what_a_preparation_failed_of_is_kept_without_addresses(database: Database) -> None:
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)

    def broken(name: str) -> object:
        raise RuntimeError(f"{name}: nobody@people.example is not to be read")

    with LiveSender(database) as sender:
        deliverer = Deliverer(database, sender)
        deliverer._provider = broken  # type: ignore[assignment]
        deliverer.deliver(only_batch(database))
    with database.engine.connect() as connection:
        detail = connection.scalars(select(Attempt.detail)).one()
    assert "[address] is not to be read" in detail
    assert "nobody" not in detail


def test_a_fault_of_a_provider_makes_one_batch_uncertain_and_pauses_with_a_message(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = staged(database, 9)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=3)
    calls = []

    def broken(*given: object) -> Outcome:
        calls.append(given)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "send", broken)
        assert foreground.work_until_over(database, campaign_id, concurrency=1, processes=1) == "paused"
    found = ledger(database, campaign_id)
    assert (len(calls), found.uncertain, found.waiting) == (1, 3, 6)
    with database.engine.connect() as connection:
        reason = find_campaign(connection, campaign_id).pause_reason
    assert "a fault in Daisychain broke off a request (ZeroDivisionError)" in reason
    with database.engine.begin() as connection:
        resume(connection, database.settings, campaign_id, who="ann")
    assert foreground.work_until_over(database, campaign_id, processes=1) == "finished"
    found = ledger(database, campaign_id)
    assert (found.accepted, found.uncertain) == (6, 3)
