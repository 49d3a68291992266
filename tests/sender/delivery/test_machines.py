"""Several machines, each with a home and an environment of its own, share one database by its URL over TCP."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, make_url, select

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from sender.delivery import confirmed_places
from sender.tables import Attempt, Place
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.delivery.test_kill import proven
from tests.sender.delivery.test_kill_workers import BATCH, SLOTS, at_work, begun, ledger
from tests.sender.wire import Wire
from tests.waiting import until

pytestmark = pytest.mark.slow

PEOPLE = 300


@dataclass
class Machine:
    """Start a process that knows only its environment, with its own connection to the database."""

    command: Daisychain
    wire: Wire
    process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self.process = self.command.start(*arguments)
        return self.process


@pytest.fixture
def machines(
    settings: Settings, database: Database, sendgrid: FakeSendGrid, server: EmbeddedServer, tmp_path: Path
) -> Iterator[list[Machine]]:
    """Make three machines of one installation. Each has another address for the database, so each is confirmed."""
    with ExitStack() as stack:
        made = []
        for name in ("first", "second", "third"):
            wire, home = stack.enter_context(Wire(server.socket)), tmp_path / name
            home.mkdir()
            own = replace(
                settings, home=home, database_url=wire.url(str(make_url(settings.database_url).database)),
                sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url, public_url="https://news.coalition.org",
            )  # fmt: skip
            with database.engine.begin() as connection:
                confirmed_places.confirm(connection, own, who="ann")
            made.append(Machine(Daisychain(own, home), wire))
        yield made
        for machine in made:
            if machine.process is not None:
                machine.process.kill()
                machine.process.communicate()


WORKER = ("worker", "--processes", "1", "--concurrency", str(SLOTS))


def senders(database: Database) -> set[int]:
    with database.engine.connect() as connection:
        return set(connection.scalars(select(Attempt.sender_id).distinct()))


def test_pages_on_one_machine_and_workers_on_two_share_a_campaign(
    machines: list[Machine], database: Database, sendgrid: FakeSendGrid
) -> None:
    commands = [("serve", "--port", "0", "--concurrency", str(SLOTS)), WORKER, WORKER]
    processes = [machine.start(*command) for machine, command in zip(machines, commands, strict=True)]
    until(lambda: at_work(database) == len(processes))
    # Whoever comes first is kept busy, so that another does the rest.
    sendgrid.script(*[Fault("hold", taken=True, seconds=20)] * SLOTS)
    campaign_id = begun(database, range(PEOPLE))
    until(lambda: not ledger(database, campaign_id).waiting)
    found = proven(database, campaign_id, sendgrid)
    assert (found.uncertain, found.accepted) == (BATCH * SLOTS, PEOPLE - BATCH * SLOTS)  # those whose answer never came
    assert len(senders(database)) >= 2
    for process in processes:
        process.terminate()
        process.communicate(timeout=300)
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_a_machine_that_is_cut_off_from_the_database_mails_nothing_more_and_the_other_goes_on(
    machines: list[Machine], database: Database, sendgrid: FakeSendGrid
) -> None:
    lost, other, _ = machines
    process = lost.start(*WORKER)
    until(lambda: at_work(database) == 1)
    sendgrid.script(*[Fault("hold", taken=True, seconds=3)] * SLOTS)
    campaign_id = begun(database, range(PEOPLE))
    until(lambda: len(sendgrid.requests) == SLOTS)
    lost.wire.cut()
    other.start(*WORKER)
    until(lambda: not ledger(database, campaign_id).waiting)
    found = proven(database, campaign_id, sendgrid)
    assert (found.uncertain, found.accepted) == (BATCH * SLOTS, PEOPLE - BATCH * SLOTS)
    # It keeps the answers that it could not write, until it is stopped: then it says that they are lost.
    process.terminate()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert errors.count("is lost") == SLOTS


def test_a_machine_without_the_secret_of_the_others_does_not_start(machines: list[Machine]) -> None:
    stranger = machines[0]
    stranger.command = stranger.command.with_settings(secret_key="")
    process = stranger.start(*WORKER)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "DAISYCHAIN_SECRET_KEY" in errors


def test_a_machine_that_reaches_the_database_by_an_address_nobody_confirmed_mails_nothing(
    machines: list[Machine], database: Database, sendgrid: FakeSendGrid
) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(Place).where(Place.confirmed_by == "ann"))  # the first of them needed nobody
    process = machines[1].start(*WORKER, "--until-idle")
    campaign_id = begun(database, range(10))
    process.communicate(timeout=300)
    assert ledger(database, campaign_id).waiting == 10
    assert sendgrid.requests == []
