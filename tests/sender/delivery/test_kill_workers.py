"""Two workers share a campaign and one of them is killed: what it had in flight is uncertain, and the other goes on."""

from __future__ import annotations

import random
import signal
import time

import pytest
from sqlalchemy import func, select

from daisychain.database import Database
from daisychain.settings import Settings
from sender.campaigns.freeze import freeze
from sender.delivery.ledger import Ledger, read_ledger
from sender.tables import Attempt, Sender
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.seeds import seeds
from tests.sender.delivery.test_kill import proven
from tests.sender.mortal import employed
from tests.sender.staging import add_list, add_people, draft
from tests.waiting import until

BATCH, SLOTS = 5, 2
DELAY = 1.0  # seconds that the provider takes to answer: kills strike between a request and its answer
WORKER = ("worker", "--processes", "1", "--concurrency", str(SLOTS))


def begun(database: Database, people: range) -> int:
    """Make a frozen campaign with its own people; its batches wait for a worker."""
    with database.engine.begin() as connection:
        list_id = add_list(connection, f"friends from {people.start}")
        add_people(connection, list_id, people)
        campaign_id = draft(connection, list_id, provider="sendgrid")
        freeze(connection, campaign_id, batch_size=BATCH)
    return campaign_id


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        found = read_ledger(connection, campaign_id)
    assert found.balances
    return found


def at_work(database: Database) -> int:
    """Count the workers that were ever started."""
    with database.engine.connect() as connection:
        return connection.scalars(select(func.count()).select_from(Sender)).one()


def killed_in_turn(database: Database, settings: Settings, sendgrid: FakeSendGrid, seed: int, *, rounds: int) -> int:
    """Keep one worker through all campaigns and kill another in each; returns how many people became uncertain."""
    chance = random.Random(seed)
    workers, uncertain = [employed(settings)], 0
    try:
        for number in range(rounds):
            workers.append(victim := employed(settings))
            until(lambda so_many=number + 2: at_work(database) == so_many)
            if (
                chance.random() < 0.5
            ):  # a provider that takes the mails and then says nothing, or something else than yes
                sendgrid.script(None, Fault(chance.choice(("hold", "reset", "status")), taken=True, seconds=0.2))
            people, sendgrid.delay = range(number * 100, number * 100 + 100), DELAY
            campaign_id, seen = begun(database, people), len(sendgrid.requests)
            # Half of the kills strike anywhere, half just as a request has come in.
            until(lambda: len(sendgrid.requests) > seen)  # noqa: B023
            if chance.random() < 0.5:
                time.sleep(chance.uniform(0, DELAY))
            victim.kill()
            victim.join()
            sendgrid.delay = 0
            until(lambda: not ledger(database, campaign_id).waiting)  # noqa: B023
            proven(database, campaign_id, sendgrid)
            found = ledger(database, campaign_id)
            assert found.accepted + found.uncertain == len(people)
            assert found.uncertain <= BATCH * (SLOTS + 1)  # what was in flight, and one that the provider lied about
            uncertain += found.uncertain
    finally:
        for process in workers:
            process.kill()
            process.join()
    return uncertain


@pytest.mark.parametrize("seed", seeds((0,), (1,)))
def test_one_of_two_workers_killed_again_and_again(
    seed: int, database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    killed_in_turn(database, through_sendgrid, sendgrid, seed, rounds=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_a_long_run_of_the_same(
    seed: int, database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    assert killed_in_turn(database, through_sendgrid, sendgrid, seed, rounds=20) > 0


def test_the_command_killed_with_answers_outstanding_loses_just_those_and_the_other_worker_sends_the_rest(
    database: Database, sendgrid: FakeSendGrid, send: Daisychain
) -> None:
    both = []
    try:
        both.append(send.start(*WORKER))
        until(lambda: at_work(database) == 1)
        sendgrid.script(Fault("hold", taken=True), Fault("hold", taken=False))
        campaign_id = begun(database, range(200))
        until(lambda: len(sendgrid.requests) == SLOTS)
        both.append(send.start(*WORKER))
        until(lambda: len(sendgrid.requests) > SLOTS)
        both[0].send_signal(signal.SIGKILL)
        both[0].communicate()
        until(lambda: not ledger(database, campaign_id).waiting)
        found = proven(database, campaign_id, sendgrid)
        assert (found.uncertain, found.accepted) == (BATCH * SLOTS, 200 - BATCH * SLOTS)
        with database.engine.connect() as connection:
            lost = select(Attempt.sender_id, Attempt.detail).where(Attempt.outcome == "uncertain")
            assert {(row.sender_id, "died" in row.detail) for row in connection.execute(lost)} == {(1, True)}
        both[1].terminate()
        _, errors = both[1].communicate(timeout=300)
        assert both[1].returncode == 0, errors
    finally:
        for process in both:
            process.kill()
            process.communicate()
