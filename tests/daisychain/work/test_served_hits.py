"""Opens and clicks at a real server: answered before they are stored, and stored whatever ends the server."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, insert, select, update

from daisychain.database import Database
from daisychain.settings import Settings
from sender.events.hit_spool import LEFT
from sender.links.keys import KeyKind
from sender.links.reader_groups import RANDOM_BITS
from sender.tables import Campaign, Event, ReaderGroup
from tests.command import ROOT, Daisychain
from tests.daisychain.work.serving import FORM, PROCESSES, Served, serving, status, web_processes
from tests.sender.returns import Sent, sent
from tests.waiting import until

PEOPLE = 40
pytestmark = pytest.mark.processes


def asked(url: str, path: str) -> int:
    """Ask for a path and follow no redirect; returns the status."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def ask_all(url: str, paths: list[str]) -> list[int]:
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(lambda path: asked(url, path), paths))


def pixels(campaign: Sent) -> list[str]:
    return [f"/o/{campaign.pixel(number)}.gif" for number in range(PEOPLE)]


def stored(campaign: Sent, *kinds: str) -> int:
    """Return how many events of these kinds are stored, or how many opens and clicks."""
    of_kinds = Event.kind.in_(kinds or ["opened", "clicked"])
    hits = select(func.count()).where(Event.campaign_id == campaign.campaign_id, of_kinds)
    with campaign.database.engine.connect() as connection:
        return connection.scalars(hits).one()


def clicks_without_persons(campaign: Sent) -> list[str]:
    """Make the campaign one that counts without persons; returns the links of some readers."""
    with campaign.database.engine.begin() as connection:
        change = update(Campaign).where(Campaign.id == campaign.campaign_id).values(tracking="counted")
        compiled_id = connection.execute(change.returning(Campaign.compiled_id)).scalar_one()
        row = {"campaign_id": campaign.campaign_id, "compiled_id": compiled_id, "mailbox": "Gmail", "people": PEOPLE}
        group = connection.execute(insert(ReaderGroup).values(row).returning(ReaderGroup.id)).scalar_one()
    readers = [-(group << RANDOM_BITS | chance) for chance in range(PEOPLE)]
    return [f"/c/{key}/0" for key in campaign.keys.make(KeyKind.CLICK, readers)]


def test_a_database_that_is_locked_holds_up_no_pixel_and_nothing_is_lost(served: Served) -> None:
    campaign = served.sent(PEOPLE)
    with served.database.engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE events, deliveries, campaigns IN ACCESS EXCLUSIVE MODE")
        assert ask_all(served.url, pixels(campaign) * 10) == [200] * PEOPLE * 10
    until(lambda: stored(campaign) == PEOPLE * 10)


def clicks(campaign: Sent) -> list[str]:
    return [f"/c/{campaign.click(number)}/0" for number in range(PEOPLE)]


@pytest.mark.parametrize("links_of", [clicks, clicks_without_persons])
def test_a_database_that_is_locked_holds_up_no_click_on_a_link_that_is_the_same_for_everybody(
    served: Served, links_of: Callable[[Sent], list[str]]
) -> None:
    campaign = served.sent(PEOPLE)
    links = links_of(campaign)
    with served.database.engine.begin() as connection:
        # Where the links of a campaign or group lead is asked for once by each process.
        connection.exec_driver_sql("LOCK TABLE events, delivery_rollups IN ACCESS EXCLUSIVE MODE")
        assert ask_all(served.url, links) == [302] * PEOPLE
        connection.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        assert ask_all(served.url, links) == [302] * PEOPLE
    until(lambda: stored(campaign) == PEOPLE * 2)


def test_an_unsubscribe_is_committed_before_its_answer(served: Served) -> None:
    campaign = served.sent(3)
    for number in range(3):
        body = b"List-Unsubscribe=One-Click"
        request = urllib.request.Request(f"{served.url}/u/{campaign.unsubscribe(number)}", body, {"Content-Type": FORM})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        assert stored(campaign, "unsubscribed") == number + 1


def test_a_crash_loses_nothing_that_is_older_than_a_moment_and_a_dead_parent_nothing(
    daisychain: Daisychain, database: Database
) -> None:
    campaign = sent(database, people=PEOPLE)
    with serving(daisychain) as (url, process):
        until(lambda: len(web_processes(process.pid)) == PROCESSES)
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        until(lambda: stored(campaign) == PEOPLE)
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        for each in web_processes(process.pid):
            os.kill(each, signal.SIGKILL)
        until(lambda: status(f"{url}/healthz") == 200)
        kept = stored(campaign)
        assert PEOPLE <= kept <= 2 * PEOPLE
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        process.kill()
        until(lambda: stored(campaign) == kept + PEOPLE)


@pytest.fixture
def unhurried(tmp_path: Path) -> tuple[str, ...]:
    """The beginning of a command whose processes store hits at their end only."""
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("from sender.events import hit_spool\nhit_spool.FLUSH_AFTER = 600.0\n")
    return "env", f"PYTHONPATH={folder}{os.pathsep}{ROOT}"


def test_sigterm_loses_nothing(daisychain: Daisychain, database: Database, unhurried: tuple[str, ...]) -> None:
    campaign = sent(database, people=PEOPLE)
    with serving(daisychain, unhurried) as (url, process):
        until(lambda: len(web_processes(process.pid)) == PROCESSES)
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        assert ask_all(url, clicks(campaign)) == [302] * PEOPLE
        assert stored(campaign) == 0
        process.terminate()
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        assert "lost" not in errors
    assert stored(campaign) == 2 * PEOPLE


@pytest.fixture
def embedded(tmp_path: Path, settings: Settings) -> Iterator[Database]:
    """Make a home with its own server."""
    database = Database(replace(settings, home=tmp_path / "own", database_url=""))
    _ = database.engine
    assert database.server is not None
    folder = database.server.folder
    yield database
    database.close()
    shutil.rmtree(folder)


def left_in(home: Path) -> list[Path]:
    return [*home.glob(LEFT.format("*"))]


def test_hits_that_a_locked_database_does_not_take_at_the_end_are_stored_by_the_next_server(
    daisychain: Daisychain, database: Database, unhurried: tuple[str, ...]
) -> None:
    campaign, home = sent(database, people=PEOPLE), database.settings.home
    with serving(daisychain, unhurried) as (url, process), database.engine.begin() as connection:
        until(lambda: len(web_processes(process.pid)) == PROCESSES)
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        process.terminate()
        process.communicate(timeout=300)
        assert sum(len(file.read_text().splitlines()) for file in left_in(home)) == PEOPLE
    with serving(daisychain):
        until(lambda: not left_in(home))
    assert stored(campaign) == PEOPLE


def test_hits_that_wait_when_the_embedded_database_is_killed_count_once_after_the_next_start(
    embedded: Database, tmp_path: Path, unhurried: tuple[str, ...]
) -> None:
    campaign, command = sent(embedded, people=PEOPLE), Daisychain(embedded.settings, tmp_path)
    assert embedded.server is not None
    postmaster = int((embedded.server.data / "postmaster.pid").read_text().split()[0])
    with serving(command, unhurried) as (url, process):
        until(lambda: len(web_processes(process.pid)) == PROCESSES)
        assert ask_all(url, pixels(campaign)) == [200] * PEOPLE
        os.kill(postmaster, signal.SIGKILL)
        # A web process that was still starting may start the database again: then all goes on until it is told to stop.
        process.terminate()
        process.communicate(timeout=300)
    embedded.revive()
    with serving(command):
        until(lambda: not left_in(embedded.settings.home))
    assert stored(campaign) == PEOPLE
