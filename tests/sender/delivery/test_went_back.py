"""A database that went back in time is found out, and sends nothing until a person confirms it."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from sender.alerts.conditions import active_conditions
from sender.delivery import confirmed_places
from sender.delivery.confirmed_places import here
from sender.delivery.high_water_mark import FOLDER, HighWaterMark, Mark
from sender.tables import Attempt, Campaign, Place
from sender.upkeep import foreground
from tests.command import Daisychain
from tests.kept_database import superuser
from tests.sender.delivery.test_ledger import ledger
from tests.sender.staging import staged
from tests.waiting import until

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Database]:
    """A home with its own server, which nobody uses."""
    database = Database(Settings(home=tmp_path / "home", test_mode=True, public_url="http://127.0.0.1:8000"))
    _ = database.engine
    assert database.server is not None
    folder = database.server.folder
    database.close()
    yield database
    database.close()
    shutil.rmtree(folder)


def copied(source: Path, target: Path) -> None:
    """Copy a folder whole, with its owners and rights."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def data_of(database: Database) -> Path:
    return EmbeddedServer(database.settings.home).data


def sent_once(database: Database, name: str = "friends") -> int:
    campaign_id = staged(database, 3, name=name)
    foreground.start(database, campaign_id)
    assert foreground.work_until_over(database, campaign_id, processes=1) == "finished"
    return campaign_id


SEND = ("campaign", "send", "--yes", "--as-created")


@pytest.mark.processes
@pytest.mark.parametrize("before", [True, False], ids=["sent before", "never sent before"])
def test_a_folder_that_is_put_back_sends_nothing_twice(home: Database, tmp_path: Path, before: bool) -> None:
    if before:
        sent_once(home)
    campaign_id = str(staged(home, 3, name="others"))
    home.close()
    copied(data_of(home), tmp_path / "copy")
    daisychain = Daisychain(home.settings, tmp_path)
    daisychain(*SEND, campaign_id)
    mails = len(list(home.settings.home.rglob("*.eml")))
    copied(tmp_path / "copy", data_of(home))

    said = daisychain(*SEND, campaign_id, code=1).stderr
    assert "went back in time" in said
    assert "it does not know attempt" in said
    assert "daisychain confirm-here" in said
    assert ledger(home, int(campaign_id)).accepted == 0
    home.close()
    assert len(list(home.settings.home.rglob("*.eml"))) == mails

    # A person who knows what happened may go on, and no number is used twice.
    daisychain("confirm-here", "--yes")
    daisychain(*SEND, campaign_id)
    assert len(list(home.settings.home.rglob("*.eml"))) == mails + 3
    assert "already" in daisychain("confirm-here").stderr


def recovering(server: EmbeddedServer) -> bool:
    with superuser(server) as connection:
        return bool(connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,))


@pytest.mark.processes
@pytest.mark.parametrize("how", ["recovered to a point in time", "a replica that took over"])
def test_a_server_whose_history_branched_off_sends_nothing(home: Database, tmp_path: Path, how: str) -> None:
    sent_once(home)
    campaign_id = str(staged(home, 3, name="others"))
    home.close()
    server = EmbeddedServer(home.settings.home)
    signal = server.data / ("standby.signal" if "replica" in how else "recovery.signal")
    signal.touch()
    shutil.chown(signal, server.data.owner())
    if "replica" not in how:  # from an archive that holds nothing more
        with (server.data / "postgresql.auto.conf").open("a") as file:
            file.write("restore_command = 'false'\n")
    server.start()
    if "replica" in how:
        server._run("pg_ctl", "promote", "-D", str(server.data), "-w")
    until(lambda: not recovering(server))
    server.release()

    daisychain = Daisychain(home.settings, tmp_path)
    said = daisychain(*SEND, campaign_id, code=1).stderr
    assert "its server is on timeline 2, and was on 1" in said
    daisychain("confirm-here", "--yes")
    daisychain(*SEND, campaign_id)


def forget_the_last_attempt(database: Database) -> None:
    """Make the database as it was before its last campaign: what a copied folder does, without the copy."""
    with database.engine.begin() as connection:
        last = connection.scalars(select(Campaign.id).order_by(Campaign.id.desc()).limit(1)).one()
        connection.execute(delete(Attempt).where(Attempt.campaign_id == last))


def reason(database: Database, settings: Settings | None = None) -> str:
    with database.engine.begin() as connection:
        return confirmed_places.why_not(connection, settings or database.settings)


def test_what_is_under_way_pauses_and_staff_are_alerted(database: Database) -> None:
    under_way = staged(database, 3, name="others")
    foreground.start(database, under_way)
    sent_once(database)
    assert reason(database) == ""
    forget_the_last_attempt(database)
    assert "does not know attempt" in reason(database)
    with database.engine.begin() as connection:
        assert connection.scalar(select(Campaign.state).where(Campaign.id == under_way)) == "paused"
        alerts = {each.key: each.message for each in active_conditions(connection, database.settings, NOW)}
        assert "daisychain confirm-here" in alerts["went back"]
        confirmed_places.confirm(connection, database.settings, who="ann")
        assert "went back" not in {each.key for each in active_conditions(connection, database.settings, NOW)}
    assert reason(database) == ""


def test_each_machine_has_its_own_mark_and_one_person_confirms_for_all_at_one_address(
    database: Database, tmp_path: Path
) -> None:
    other = replace(database.settings, home=tmp_path / "other")
    sent_once(database)
    elsewhere = Database(other)
    sent_once(elsewhere, "others")
    elsewhere.close()
    forget_the_last_attempt(database)
    # The first machine's own attempt is still there: it learns of it from the second.
    assert reason(database) == ""
    assert "does not know attempt" in reason(database, other)
    assert "does not know attempt" in reason(database)
    with database.engine.begin() as connection:
        confirmed_places.confirm(connection, database.settings, who="ann")
    assert reason(database) == ""
    assert reason(database, other) == ""


def test_an_attempt_of_the_same_number_that_others_made_since_does_not_hide_it(database: Database) -> None:
    sent_once(database)
    with database.engine.begin() as connection:
        connection.execute(update(Attempt).values(started_at=Attempt.started_at + timedelta(seconds=5)))
    assert "does not know attempt" in reason(database)


def test_one_home_keeps_a_mark_for_each_database(database: Database) -> None:
    """A second installation, or an empty database for a trial, has nothing to do with what the first one sent."""
    sent_once(database)
    assert len(list((database.settings.home / FOLDER).iterdir())) == 1
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE confirmed_places RENAME TO old_places"))
        connection.execute(text("CREATE TABLE confirmed_places (LIKE old_places INCLUDING ALL)"))
    assert reason(database) == ""


def test_a_place_from_before_timelines_were_kept_learns_its_own(database: Database) -> None:
    sent_once(database)
    with database.engine.begin() as connection:
        connection.execute(update(Place).values(timeline=None))
    assert reason(database) == ""
    with database.engine.begin() as connection:
        assert connection.scalars(select(Place.timeline)).all() == [here(connection, database.settings).timeline]
        connection.execute(update(Place).values(timeline=7))
    assert "on timeline 1, and was on 7" in reason(database)


def test_no_number_is_used_again_however_often_a_backup_comes_back(database: Database) -> None:
    def numbers() -> dict[str, int]:
        with database.engine.connect() as connection:
            return {
                table: connection.scalar(text(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")) or 0
                for table in ("deliveries", "attempts", "members", "events", "campaigns", "batches", "senders")
            } | {"tests": connection.scalar(text("SELECT nextval('test_send_numbers')")) or 0}

    def come_back() -> None:
        with database.engine.begin() as connection:
            confirmed_places.withdraw(connection, "a test")
            confirmed_places.confirm(connection, database.settings, who="ann")

    with database.engine.begin() as connection:
        connection.execute(text("SELECT setval(pg_get_serial_sequence('campaigns', 'id'), 12)"))
    come_back()
    once = numbers()
    with database.engine.begin() as connection:  # the same backup again
        connection.execute(text("SELECT setval(pg_get_serial_sequence('deliveries', 'id'), 5)"))
    come_back()
    again = numbers()
    assert (once["campaigns"], again["campaigns"]) == (1001, 2001)  # what people type stays short
    assert again["senders"] < 2**31
    assert (once["tests"], again["tests"]) == (1_000_001_001, 1_000_002_001)
    assert all(again[table] > once[table] for table in once)
    assert all(1e15 < once[table] < 2**53 for table in ("deliveries", "attempts", "members", "events"))


def test_the_mark_is_the_latest_attempt_whoever_writes_first(database: Database) -> None:
    mark = HighWaterMark(database.settings, "any")
    assert mark.read() is None
    marks = [Mark(number, NOW + timedelta(seconds=number)) for number in range(40)]
    threads = [threading.Thread(target=mark.raise_to, args=(each,)) for each in reversed(marks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mark.read() == marks[-1]
    mark.forget()
    assert mark.read() is None


def test_a_home_that_cant_be_written_to_is_logged_and_stops_nobody(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database.settings = replace(database.settings, home=tmp_path / "file" / "home")
    (tmp_path / "file").touch()
    HighWaterMark(database.settings, "any").raise_to(Mark(1, NOW))
    assert "may go unnoticed" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 128, b'{"attempt_id": "x"}', b"[]"])
def test_a_mark_that_a_power_cut_left_is_written_anew(database: Database, content: bytes) -> None:
    (database.settings.home / FOLDER).mkdir(parents=True)
    (database.settings.home / FOLDER / "any.json").write_bytes(content)
    mark = HighWaterMark(database.settings, "any")
    assert mark.read() is None
    mark.raise_to(Mark(1, NOW))
    assert mark.read() == Mark(1, NOW)


@pytest.mark.parametrize("command", ["send", "resume"])
def test_what_a_command_finds_out_stops_other_machines_too(
    database: Database, daisychain: Daisychain, tmp_path: Path, command: str
) -> None:
    campaign_id = sent_once(database)
    other = replace(database.settings, home=tmp_path / "other")
    waiting = str(staged(database, 3, name="others"))
    with database.engine.begin() as connection:
        assert confirmed_places.is_confirmed(connection, other)
        connection.execute(text("UPDATE attempts SET started_at = started_at - interval '1 day'"))  # a forgotten one
        if command == "resume":
            connection.execute(text("UPDATE campaigns SET state = 'paused' WHERE id = :id"), {"id": waiting})
    options = ("--yes", "--as-created") if command == "send" else ()
    assert "went back in time" in daisychain("campaign", command, waiting, *options, code=1).stderr
    with database.engine.begin() as connection:
        assert not confirmed_places.is_confirmed(connection, other)
    assert ledger(database, campaign_id).accepted == 3
