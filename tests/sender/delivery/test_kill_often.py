"""Senders are killed hundreds of times, in the middle of requests: the sum balances every time."""

from __future__ import annotations

import random
import time

import pytest

from daisychain.database import Database
from daisychain.settings import Settings
from sender.campaigns.freeze import freeze
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.seeds import seeds
from tests.sender.delivery.test_kill import proven
from tests.sender.delivery.test_same_parts import of_two_minds
from tests.sender.mortal import born
from tests.sender.staging import staged
from tests.waiting import until

# The provider answers after so many seconds; a kill strikes after the first request of a life, before or after answers.
DELAY = 1.0


def killed_often(
    database: Database, settings: Settings, sendgrid: FakeSendGrid, seed: int, *, kills: int, senders: int, people: int
) -> None:
    """Kill the senders of one campaign repeatedly, comparing each row of the ledger with the copies each time."""
    chance = random.Random(seed)
    # With conditions in the letter, requests are of people who see the same parts.
    make = of_two_minds if seed % 4 in (1, 2) else staged
    campaign_id = make(database, people, provider="sendgrid")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=5 if seed % 2 else 25, by_conditions=True)
    for _ in range(kills):
        if seed % 3 == 0:  # a provider that takes the mails and then says nothing, or something else than yes
            sendgrid.script(None, Fault(chance.choice(("hold", "reset", "status")), taken=True, seconds=0.3))
        sendgrid.delay, seen = DELAY, len(sendgrid.requests)
        living = [born(settings, campaign_id) for _ in range(senders)]
        # One that finds everything sent ends without a request.
        until(lambda: len(sendgrid.requests) > seen or not any(each.is_alive() for each in living))  # noqa: B023
        time.sleep(chance.uniform(0, 1.2 * DELAY))
        for process in living:
            process.kill()
            process.join()
        proven(database, campaign_id, sendgrid)
    sendgrid.delay = 0
    last = born(settings, campaign_id)
    last.join(300)
    assert last.exitcode == 0
    ledger = proven(database, campaign_id, sendgrid)
    assert ledger.waiting == 0
    assert ledger.uncertain > 0
    assert ledger.accepted + ledger.uncertain == people


# Seeds choose the kind of campaign: 0 and 3 with a provider that is at fault, 1 and 3 with many small batches.
@pytest.mark.parametrize("seed", seeds((3,), (0, 1, 2, *range(4, 8))))
def test_one_sender_killed_again_and_again(
    seed: int, database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    killed_often(database, through_sendgrid, sendgrid, seed, kills=4, senders=1, people=500)


@pytest.mark.parametrize("seed", seeds((101,), (100, 102, 103)))
def test_two_senders_killed_again_and_again(
    seed: int, database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    killed_often(database, through_sendgrid, sendgrid, seed, kills=4, senders=2, people=500)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_a_long_run_of_the_same(
    seed: int, database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    killed_often(database, through_sendgrid, sendgrid, seed, kills=20, senders=1 + seed % 3, people=1_500)
