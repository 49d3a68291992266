"""What another machine has locked, and may never unlock, holds up nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from daisychain import database as frame
from daisychain.database import Database
from daisychain.jobs import Workers
from daisychain.settings import Settings
from daisychain.work.worker import at_work
from sender.campaigns.freeze import freeze
from sender.delivery import batch_jobs
from sender.delivery.deliver import Deliverer
from sender.delivery.ledger import read_ledger
from sender.delivery.senders import LiveSender
from sender.tables import Batch, Campaign, Chore
from sender.upkeep import chores
from sender.upkeep.sweep import sweep
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.staging import staged
from tests.waiting import until

JOBS = text("SELECT status::text FROM procrastinate_jobs WHERE args ? 'campaign_id' ORDER BY id")
LOCKS = "SHOW lock_timeout"
IDLE = "SHOW idle_in_transaction_session_timeout"


def frozen(database: Database, people: int = 10, *, name: str = "friends", provider: str = "outbox") -> int:
    campaign_id = staged(database, people, name=name, provider=provider)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=5)
    return campaign_id


def test_a_claim_skips_a_batch_that_somebody_has_locked_and_takes_the_others(database: Database) -> None:
    campaign_id = frozen(database)
    with LiveSender(database) as sender, database.engine.begin() as elsewhere:
        first, second = elsewhere.scalars(select(Batch.id).order_by(Batch.id)).all()
        elsewhere.execute(update(Batch).where(Batch.id == first).values(sender_id=0))
        for batch_id in (first, second):
            Deliverer(database, sender).deliver(batch_id)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
    assert (ledger.accepted, ledger.waiting) == (5, 5)


def test_a_sweep_leaves_locked_campaigns_and_chores_to_the_next_one_and_does_the_rest(database: Database) -> None:
    locked, free = frozen(database, name="first"), frozen(database, name="second")
    with database.engine.begin() as connection:
        chores.defer_due_chores(connection, database.settings)
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        connection.execute(update(Chore).values(due_at=func.now()))
        connection.execute(update(Batch).where(Batch.campaign_id == locked).values(state="done"))
    with database.engine.begin() as elsewhere:
        elsewhere.execute(update(Campaign).where(Campaign.id == locked).values(name="being changed"))
        elsewhere.execute(update(Chore).where(Chore.name == "alerts").values(failures=1))
        with database.engine.begin() as connection:
            sweep(connection, database.settings)
    with database.engine.begin() as connection:
        states = dict(connection.execute(select(Campaign.id, Campaign.state)).all())
        due = connection.scalars(
            text("SELECT args ->> 'name' FROM procrastinate_jobs WHERE queue_name = 'chores'")
        ).all()
        queues = connection.scalars(text("SELECT DISTINCT queue_name FROM procrastinate_jobs")).all()
        assert states == {locked: "sending", free: "sending"}
        assert set(due) == set(chores.CHORES) - {"alerts", *chores.NEEDS}  # nothing is set up here
        assert batch_jobs.queue_of(free) in queues
        sweep(connection, database.settings)
        assert connection.scalars(select(Campaign.state).where(Campaign.id == locked)).one() == "finished"


@pytest.mark.parametrize(("heartbeat", "stays"), [("0 seconds", True), ("30 seconds", True), ("2 minutes", False)])
def test_while_batches_can_go_a_job_waits_whoever_has_one_in_hand_and_a_dead_worker_s_goes_after_a_minute(
    database: Database, heartbeat: str, stays: bool
) -> None:
    frozen(database, 5)
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - :ago ::interval)"),
                           {"ago": heartbeat})  # fmt: skip
        newest = "(SELECT max(id) FROM procrastinate_workers)"
        connection.execute(text(f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = {newest}"))  # noqa: S608
        for _ in range(2):
            sweep(connection, database.settings)
        assert connection.scalars(JOBS).all() == ([*["doing"] * stays, "todo"])


def test_every_connection_of_a_worker_is_ended_if_it_stands_idle_in_a_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def of_slots() -> object:
        async with await psycopg.AsyncConnection.connect(database.conninfo) as connection:
            await Workers(database)._begin_session(connection)
            return await (await connection.execute(IDLE)).fetchone()

    campaign_id = frozen(database, 5)  # before, as its own statements may be further apart on a busy machine
    with database.engine.connect() as connection:
        assert connection.scalar(text(IDLE)) == frame.IDLE_COMMAND
        assert connection.scalar(text(LOCKS)) == frame.LOCK_COMMAND
    monkeypatch.setattr(frame, "IDLE_WORKER", "500ms")
    database.for_work()
    assert asyncio.run(of_slots()) == ("500ms",)
    with LiveSender(database) as sender:
        assert sender._connection is not None
        assert sender._connection.execute(IDLE).fetchone() == ("500ms",)
    stuck = database.engine.connect()
    stuck.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
    with database.engine.begin() as connection:  # waits until the server has ended the other one
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(name="free again"))
    stuck.invalidate()
    stuck.close()


def test_a_command_and_a_page_wait_for_locks_for_a_while_and_workers_and_unsubscribes_as_long_as_it_takes(
    database: Database,
) -> None:
    def limits() -> list[str]:
        with database.engine.connect() as work, database.brief_engine.connect() as page:
            return [str(each.scalar(text(LOCKS))) for each in (work, page)]

    assert limits() == [frame.LOCK_COMMAND, frame.LOCK_BRIEF]
    database.for_work()
    assert limits() == ["0", frame.LOCK_BRIEF]
    with database.engine.connect() as after_a_page:
        assert after_a_page.scalar(text(LOCKS)) == "0"


def test_a_server_is_asked_for_keepalives_unless_its_url_says_otherwise(database: Database) -> None:
    url = "postgresql://daisychain@db.charity.example/daisychain?keepalives_idle=60"
    found = Database(replace(database.settings, database_url=url)).url.query
    assert {name: found[name] for name in frame.KEEPALIVE} == frame.KEEPALIVE | {"keepalives_idle": "60"}
    assert found["sslmode"] == "require"


def test_alerts_are_checked_while_every_slot_hangs_in_a_request(
    through_sendgrid: Settings, sendgrid: FakeSendGrid, database: Database
) -> None:
    hung = Database(through_sendgrid)
    sendgrid.script(Fault("late"))
    with at_work(hung, concurrency=1):
        until(lambda: _chore_ended(hung, None))
        frozen(hung, 5, provider="sendgrid")
        until(lambda: len(sendgrid.requests) == 1)
        with hung.engine.begin() as connection:
            now = connection.scalars(select(func.now())).one()
            connection.execute(update(Chore).values(due_at=now))
            chores.defer_due_chores(connection, database.settings)
        until(lambda: _chore_ended(hung, now))
        sendgrid.released.set()
    hung.close()


def _chore_ended(database: Database, since: object) -> bool:
    ended = Chore.ended_at.is_not(None) if since is None else Chore.ended_at > since
    with database.engine.connect() as connection:
        return connection.scalar(select(Chore.ended_at).where(Chore.name == "alerts", ended)) is not None
