"""A machine vanishes in the middle of its work, without closing a connection: the others go on within a minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from sender.campaigns.freeze import freeze
from sender.delivery import confirmed_places
from sender.tables import Campaign, Chore
from tests.command import Daisychain
from tests.sender.far_machine import FarMachine, can_make_networks, server_for
from tests.sender.staging import add_list, add_people, draft
from tests.waiting import until

pytestmark = pytest.mark.slow

BATCH, SLOTS = 5, 2
WORKER = ("worker", "--processes", "1", "--concurrency", str(SLOTS))
# Each lets the worker come to the middle of a transaction, says so, and stays there.
STAY = """
import time
from daisychain import processes
processes.STOP_WITHIN = 3
def stay(module, name):
    real = getattr(module, name)
    def staying(*arguments, **named):
        real(*arguments, **named)
        print("in the middle", flush=True)
        time.sleep(3600)
    setattr(module, name, staying)
"""
MIDDLES = {
    "a claim": "from sender.delivery import attempts\nstay(attempts, 'claim')",
    "an outcome, with the campaign locked": """
from sender.delivery import attempts, campaign_states
real = attempts.record
def record(connection, attempt_id, outcome):
    again = real(connection, attempt_id, outcome)
    campaign_states.lock(connection, 1)
    return again
attempts.record = record
stay(attempts, 'record')""",
    "a sweep": "from sender.events import webhook_jobs\nstay(webhook_jobs, 'defer_unprocessed')",
}


@dataclass
class Two:
    """The machine that will vanish, and this one."""

    far: FarMachine
    there: Daisychain
    here: Daisychain
    database: Database


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Make a database here, and a machine that reaches it over a link."""
    if not can_make_networks():
        pytest.skip("network namespaces can't be made here")
    far = FarMachine()
    try:
        far.make()
        with server_for(far, tmp_path) as (database, url):
            settings = replace(database.settings, home=tmp_path / "far", database_url=url)
            for each in (database.settings, settings):
                each.home.mkdir()
                with database.engine.begin() as connection:
                    confirmed_places.confirm(connection, each, who="ann")
            there, here = (Daisychain(each, tmp_path) for each in (settings, database.settings))
            yield Two(far, there, here, database)
    finally:
        far.remove()


def begun(database: Database, name: str) -> int:
    with database.engine.begin() as connection:
        list_id = add_list(connection, name)
        add_people(connection, list_id, range(100), called=name)
        campaign_id = draft(connection, list_id)
        freeze(connection, campaign_id, batch_size=BATCH)
    return campaign_id


def finished(database: Database) -> int:
    with database.engine.connect() as connection:
        return connection.scalar(select(func.count()).where(Campaign.state == "finished")) or 0


def chores_done(database: Database, since: datetime) -> int:
    with database.engine.connect() as connection:
        return connection.scalar(select(func.count()).where(Chore.ended_at > since)) or 0


@pytest.mark.parametrize("middle", MIDDLES)
def test_the_others_go_on_within_a_minute_a_fresh_one_too_and_sigterm_ends_the_one_that_is_cut_off(
    middle: str, two: Two
) -> None:
    begun(two.database, "first")
    lost = two.far.start(two.there, *WORKER, before=f"{STAY}{MIDDLES[middle]}")
    processes = [lost]
    try:
        assert lost.stdout is not None
        assert lost.stdout.readline() == "in the middle\n"
        processes.append(two.here.start(*WORKER))
        two.far.vanish()
        begun(two.database, "second")
        with two.database.engine.begin() as connection:
            cut = connection.scalars(select(func.now())).one()
            connection.execute(update(Chore).values(due_at=cut))
        processes.append(two.here.start(*WORKER))
        until(lambda: finished(two.database) == 2 and chores_done(two.database, cut), seconds=60)
        lost.terminate()
        lost.communicate(timeout=300)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
