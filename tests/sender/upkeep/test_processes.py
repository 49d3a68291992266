"""Several processes send one campaign: they share the work, stop together, and none outlives the first by long."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from daisychain.database import Database
from daisychain.errors import StateError
from daisychain.processes import Processes, StopFlag
from daisychain.settings import Settings
from sender.delivery.deliver import Deliverer
from sender.delivery.senders import LiveSender
from sender.providers.outbox import Outbox
from sender.tables import Attempt, Batch, Campaign, Sender
from sender.upkeep import foreground
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.delivery.test_kill import proven
from tests.sender.staging import staged
from tests.waiting import until

PEOPLE = 8_500  # nine batches: more than two processes with two slots each take at once


def started(send: Daisychain, campaign_id: int) -> subprocess.Popen[str]:
    """Send with two processes of two threads each."""
    options = ("--yes", "--as-created", "--format", "json", "--processes", "2", "--concurrency", "2")
    return send.start("campaign", "send", str(campaign_id), *options)


def alive(database: Database) -> int:
    """Count the senders that have not ended."""
    with database.engine.connect() as connection:
        return len(connection.scalars(select(Sender.id).where(Sender.ended_at.is_(None))).all())


def set_scheduled(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(state="scheduled"))


def senders(database: Database) -> set[int]:
    """Return the senders that have attempts."""
    with database.engine.connect() as connection:
        return set(connection.scalars(select(Attempt.sender_id)))


@pytest.fixture
def under_way(database: Database, send: Daisychain, sendgrid: FakeSendGrid) -> Iterator[subprocess.Popen[str]]:
    """Two processes of a campaign with a request in flight from each thread, answered when the test says so."""
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    held = [Fault("late", taken=True)] * 4
    sendgrid.script(*held)
    process = started(send, campaign_id)
    until(lambda: len(sendgrid.requests) == 4)
    assert len(senders(database)) == 2
    yield process
    process.kill()
    process.communicate()


def test_killed_the_first_leaves_its_own_requests_uncertain_and_the_other_finishes_and_goes(
    database: Database, send: Daisychain, sendgrid: FakeSendGrid, under_way: subprocess.Popen[str]
) -> None:
    under_way.send_signal(signal.SIGKILL)
    under_way.wait()
    sendgrid.released.set()
    until(lambda: alive(database) == 1)  # the one that was killed said nothing
    assert len(sendgrid.requests) == 4
    again = started(send, 1)
    again.communicate(timeout=300)
    ledger = proven(database, 1, sendgrid)
    assert (again.returncode, ledger.uncertain, ledger.accepted) == (3, 2_000, PEOPLE - 2_000)


def test_stopped_all_claim_nothing_more_and_finish_what_they_have(
    database: Database, sendgrid: FakeSendGrid, under_way: subprocess.Popen[str]
) -> None:
    under_way.send_signal(signal.SIGTERM)
    until(lambda: "Stopping" in (under_way.stderr.readline() if under_way.stderr else ""))
    sendgrid.released.set()
    under_way.communicate(timeout=300)
    ledger = proven(database, 1, sendgrid)
    assert (under_way.returncode, ledger.accepted, ledger.in_flight, ledger.uncertain) == (5, 4_000, 0, 0)
    assert alive(database) == 0


def test_the_others_are_ready_before_the_freeze_and_share_what_it_makes(
    through_sendgrid: Settings, database: Database, sendgrid: FakeSendGrid
) -> None:
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    sendgrid.script(*[Fault("late", taken=True)] * 4)
    own, slots = Database(through_sendgrid), {"concurrency": 2, "processes": 2}
    with foreground.crew(own, campaign_id, **slots) as helpers:
        until(lambda: alive(database) == 1)
        foreground.start(own, campaign_id)
        arguments = {"helpers": helpers, **slots}
        work = threading.Thread(target=foreground.work_until_over, args=[own, campaign_id], kwargs=arguments)
        work.start()
        until(lambda: len(sendgrid.requests) == 4)
        assert len(senders(database)) == 2
        sendgrid.released.set()
        work.join(300)
    own.close()
    assert proven(database, campaign_id, sendgrid).accepted == PEOPLE
    assert alive(database) == 0


def test_a_freeze_that_is_refused_lets_the_others_go(database: Database) -> None:
    campaign_id = staged(database, 3)
    with foreground.crew(database, campaign_id, processes=2):
        until(lambda: alive(database) == 1)
        set_scheduled(database, campaign_id)
        with pytest.raises(StateError):
            foreground.start(database, campaign_id)
    assert alive(database) == 0


@pytest.mark.parametrize("before_the_freeze", [True, False])
@pytest.mark.parametrize(("people", "further"), [(1, 0), (3, 2), (9, 3)])
def test_further_processes_are_started_only_where_there_is_enough_to_do(
    people: int, further: int, before_the_freeze: bool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0]
    monkeypatch.setattr(Processes, "grow", lambda self, to: asked.append(to))
    monkeypatch.setattr(foreground, "cores", lambda: 4)
    monkeypatch.setattr(foreground, "BATCHES_A_PROCESS", 1)
    monkeypatch.setattr(Outbox, "batch_size", 1)
    campaign_id = staged(database, people)
    if before_the_freeze:
        foreground.crew(database, campaign_id)
    else:
        foreground.start(database, campaign_id)
        assert foreground.work_until_over(database, campaign_id) == "finished"
    assert max(asked) == further


def test_nothing_is_claimed_once_the_flag_is_set_and_the_batch_waits_for_the_next_who_sends(
    database: Database,
) -> None:
    stop = StopFlag()
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    stop.set()
    with LiveSender(database) as sender, database.engine.connect() as connection:
        Deliverer(database, sender, stop).deliver(connection.scalars(select(Batch.id)).one())
        assert connection.scalars(select(Attempt.id)).all() == []
    assert foreground.work_until_over(database, campaign_id, stop=stop) == "sending"
    assert foreground.work_until_over(database, campaign_id) == "finished"
