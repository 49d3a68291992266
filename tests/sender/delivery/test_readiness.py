"""A process claims only what it can send; if nobody can, the status names each process and what it lacks."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError
from daisychain.operations import doctor
from daisychain.settings import Settings
from daisychain.work.worker import at_work
from sender.campaigns import due_campaigns
from sender.campaigns.waiting_reason import find_waiting_reason
from sender.delivery import readiness
from sender.delivery.deliver import Deliverer
from sender.delivery.ledger import read_ledger
from sender.delivery.senders import LiveSender
from sender.tables import Attempt, Batch, Campaign, Delivery, SecretKey, Sender
from sender.upkeep import chores
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.sender.delivery.test_kill_workers import begun
from tests.sender.staging import staged
from tests.waiting import until

WORKER = ("worker", "--processes", "1", "--concurrency", "2")
OTHER_KEY = "a secret of another machine, as long as the first"


def state_of(database: Database, campaign_id: int) -> str:
    with database.engine.connect() as connection:
        return connection.scalars(select(Campaign.state).where(Campaign.id == campaign_id)).one()


def reason(database: Database, campaign_id: int) -> str:
    with database.engine.connect() as connection:
        wait = find_waiting_reason(connection, campaign_id)
    return wait.text if wait else ""


@pytest.mark.processes
def test_of_two_workers_the_one_without_the_key_claims_nothing_and_the_status_names_it_until_the_other_comes(
    database: Database, daisychain: Daisychain, send: Daisychain, sendgrid: FakeSendGrid
) -> None:
    without = daisychain.start(*WORKER)
    processes = [without]
    try:
        campaign_id = begun(database, range(50))
        until(lambda: reason(database, campaign_id))
        lacks = f"process {without.pid} on {socket.gethostname()}: SENDGRID_API_KEY is not set"
        assert lacks in reason(database, campaign_id)
        assert lacks in daisychain("campaign", "status", str(campaign_id)).stdout
        processes.append(send.start(*WORKER))
        until(lambda: state_of(database, campaign_id) == "finished")
        with database.engine.connect() as connection:
            pids = set(connection.scalars(select(Sender.pid).join(Attempt, Attempt.sender_id == Sender.id)))
            assert read_ledger(connection, campaign_id).accepted == 50
        assert pids == {processes[1].pid}
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_what_one_process_lacks_is_no_reason_while_another_can_send(database: Database) -> None:
    campaign_id = begun(database, range(5))
    assert reason(database, campaign_id) == ""  # nobody is at work
    with LiveSender(database, {"sendgrid": "SENDGRID_API_KEY is not set"}) as sender:
        with database.engine.connect() as connection:
            batch_id = connection.scalars(select(Batch.id)).one()
        Deliverer(database, sender).deliver(batch_id)
        assert state_of(database, campaign_id) == "sending"
        assert f"process {os.getpid()} on " in reason(database, campaign_id)
        with LiveSender(database):
            assert reason(database, campaign_id) == ""
    assert reason(database, campaign_id) == ""


@pytest.mark.parametrize("more", [(), ("--detach",)])
def test_a_send_without_the_key_says_so_before_it_freezes(
    database: Database, daisychain: Daisychain, more: tuple[str, ...]
) -> None:
    campaign_id = staged(database, 3, provider="sendgrid")
    result = daisychain("campaign", "send", str(campaign_id), "--yes", "--as-created", *more, code=1)
    assert "SENDGRID_API_KEY" in result.output
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 0
    assert state_of(database, campaign_id) == "draft"


def test_a_scheduled_campaign_is_frozen_only_by_a_process_that_can_send_it(
    database: Database, through_sendgrid: Settings
) -> None:
    campaign_id = staged(database, 3, provider="sendgrid")
    now = datetime.now(UTC)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="scheduled", starts_at=now - timedelta(minutes=1)))
        due_campaigns.start_due_campaigns(connection, database.settings)
    assert state_of(database, campaign_id) == "scheduled"
    with database.engine.begin() as connection:
        due_campaigns.start_due_campaigns(connection, through_sendgrid)
        assert connection.scalars(select(Campaign.public_url)).one() == through_sendgrid.public_url
    assert state_of(database, campaign_id) == "sending"


def test_a_chore_is_left_to_a_process_that_is_set_up_for_it(database: Database, through_sendgrid: Settings) -> None:
    with database.engine.begin() as connection:
        deferred = chores.defer_due_chores(connection, database.settings)
        assert set(deferred) == set(chores.CHORES) - set(chores.NEEDS)
        assert chores.defer_due_chores(connection, through_sendgrid) == ["look-ups", "provider lists"]
    from daisychain.jobs import Workers

    with Workers(database, queues=[chores.QUEUE], until_idle=True) as workers:
        workers.wait()
    with database.engine.begin() as connection:
        assert chores.defer_due_chores(connection, through_sendgrid) == ["look-ups", "provider lists"]  # handed back


def test_a_start_warns_only_of_providers_that_somebody_waits_for(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with at_work(database, concurrency=1):
        pass
    assert "nothing is sent through" not in caplog.text
    staged(database, 1)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(provider="sendgrid", state="paused"))
    with at_work(database, concurrency=1):
        pass
    assert "nothing is sent through sendgrid from here: SENDGRID_API_KEY is not set" in caplog.text
    assert "through smtp" not in caplog.text


def test_a_machine_with_another_secret_key_sends_nothing_and_is_told_so_until_a_person_accepts_it(
    database: Database, daisychain: Daisychain
) -> None:
    stranger = daisychain.with_settings(secret_key=OTHER_KEY)
    first = staged(database, 2)
    daisychain("campaign", "send", str(first), "--yes", "--as-created")
    second = staged(database, 2, name="second")
    with database.engine.begin() as connection:
        lacks = readiness.lacking(connection, stranger.settings)
        assert readiness.lacking(connection, daisychain.settings).get("outbox") is None
    assert "is not the key that mail of this database is sent with" in lacks["outbox"]
    refused = stranger("campaign", "send", str(second), "--yes", "--as-created", code=1)
    assert "DAISYCHAIN_SECRET_KEY is not the key" in refused.output
    assert OTHER_KEY not in refused.output

    def found(machine: Daisychain) -> list[str]:
        answers = machine.json("doctor", "--format", "json", code=None)  # type: ignore[arg-type]
        return [each["state"] for each in answers if each["subject"] == "secret key"]

    assert (found(daisychain), found(stranger)) == (["good"], ["wrong"])
    stranger("confirm-here", "--new-key", "--yes")
    assert (found(daisychain), found(stranger)) == (["wrong"], ["good"])
    stranger("campaign", "send", str(second), "--yes", "--as-created")


def test_the_fingerprint_is_kept_once_and_is_neither_the_key_nor_used_for_anything_else(database: Database) -> None:
    with database.engine.begin() as connection:
        for _ in range(2):
            readiness.keep_key(connection, database.settings)
        [kept] = connection.scalars(select(SecretKey.fingerprint)).all()
        with pytest.raises(ConfigurationError):
            readiness.check_key(connection, replace(database.settings, secret_key=OTHER_KEY))
    assert len(kept) == 32
    assert database.settings.secret_key not in kept


@pytest.mark.parametrize(("off", "state"), [(0, "good"), (4, "good"), (600, "wrong"), (-600, "wrong")])
def test_the_doctor_reports_a_clock_that_is_off(
    daisychain: Daisychain, monkeypatch: pytest.MonkeyPatch, off: int, state: str
) -> None:
    real = doctor.database_now
    monkeypatch.setattr(doctor, "database_now", lambda connection: real(connection) - timedelta(seconds=off))
    answers = daisychain.json("doctor", "--format", "json", code=None)  # type: ignore[arg-type]
    [clock] = [each for each in answers if each["subject"] == "clock"]
    assert clock["state"] == state
    if off:
        assert ("600 s ahead" in clock["words"], "600 s behind" in clock["words"]) == (off == 600, off == -600)


def test_a_job_of_a_campaign_that_a_process_cannot_send_is_left_in_its_queue(database: Database) -> None:
    from sender.delivery.batch_jobs import queue_of, queues_without

    campaign_id = begun(database, range(5))
    with database.engine.begin() as connection:
        assert queue_of(campaign_id) in queues_without(connection, [])
        assert queue_of(campaign_id) not in queues_without(connection, ["sendgrid"])
        assert {chores.QUEUE, "events"} <= set(queues_without(connection, ["sendgrid"]))
        assert connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1
