"""`campaign send` is killed amid requests and run again: nobody is mailed twice or lost, the ledger balances."""

from __future__ import annotations

import random
import signal
import subprocess
import time

import pytest
from sqlalchemy import select

from daisychain.database import Database
from daisychain.jobs import MOST_TIMES
from sender.campaigns.freeze import freeze
from sender.delivery.ledger import Ledger, read_ledger
from sender.events.sum_check import ledger_differs
from sender.tables import Delivery
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.seeds import seeds
from tests.sender.staging import staged
from tests.waiting import until

PEOPLE = 4_500
KILLS = 2
# A provider that takes its time: a kill then strikes between a request and its answer, and not a start.
DELAY = 1.0
SMALL = 100


def started(send: Daisychain, campaign_id: int, *, before: str = "") -> subprocess.Popen[str]:
    return send.start("campaign", "send", str(campaign_id), "--yes", "--as-created", "--format", "json", before=before)


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def proven(database: Database, campaign_id: int, sendgrid: FakeSendGrid) -> Ledger:
    """Return the ledger, after comparing each of its rows with the mails that the provider accepted."""
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
        assert not ledger_differs(connection, campaign_id)
        rows = connection.execute(select(Delivery.address, Delivery.state)).all()
    assert ledger.balances
    copies = sendgrid.copies
    assert [address for address, count in copies.items() if count > 1] == []
    wrong = [
        (row.address, row.state, copies[row.address])
        for row in rows
        if (row.state == "accepted" and copies[row.address] != 1)
        or (row.state in ("waiting", "excluded", "failed") and copies[row.address] and not ledger.in_flight)
    ]
    assert wrong == []
    return ledger


@pytest.mark.parametrize("seed", seeds(range(1), range(1, 8)))
def test_killed_anywhere_and_run_again_mails_nobody_twice_and_loses_nobody(
    seed: int, database: Database, send: Daisychain, sendgrid: FakeSendGrid
) -> None:
    chance = random.Random(seed)
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=SMALL)
    sendgrid.delay = DELAY
    for _ in range(KILLS):
        seen = len(sendgrid.requests)
        process = started(send, campaign_id)
        until(lambda: len(sendgrid.requests) > seen)  # noqa: B023
        time.sleep(chance.uniform(0, 2 * DELAY))  # requests, answers, outcomes and further claims
        killed(process)
        proven(database, campaign_id, sendgrid)
    sendgrid.delay = 0
    output, errors = started(send, campaign_id).communicate(timeout=300)
    ledger = proven(database, campaign_id, sendgrid)
    assert ledger.waiting == 0, (output, errors)
    assert ledger.accepted + ledger.uncertain == PEOPLE
    # Kills met requests, in at most four slots, or as many as they grow to.
    assert 0 < ledger.uncertain <= KILLS * 4 * MOST_TIMES * SMALL


@pytest.mark.parametrize("taken", [True, False])
def test_killed_while_the_answer_is_awaited_leaves_that_batch_uncertain_and_sends_the_rest(
    taken: bool, database: Database, send: Daisychain, sendgrid: FakeSendGrid
) -> None:
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    sendgrid.script(*[Fault("hold", taken=taken)] * 4)
    process = started(send, campaign_id)
    until(lambda: len(sendgrid.requests) == 4)
    killed(process)
    again = started(send, campaign_id)
    again.communicate(timeout=300)
    assert again.returncode == 3
    ledger = proven(database, campaign_id, sendgrid)
    assert (ledger.uncertain, ledger.accepted) == (4_000, 500)


def test_two_senders_of_one_campaign_share_the_work_and_mail_nobody_twice(
    database: Database, send: Daisychain, sendgrid: FakeSendGrid
) -> None:
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    both = [started(send, campaign_id), started(send, campaign_id)]
    for process in both:
        process.communicate(timeout=300)
    assert [process.returncode for process in both] == [0, 0]
    assert proven(database, campaign_id, sendgrid).accepted == PEOPLE
