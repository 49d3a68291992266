"""The doctor calls a server wrong that may forget what it confirmed, or a pooler that shares sessions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from tests.command import Daisychain
from tests.fakes.pooler import TransactionPooler
from tests.kept_database import superuser
from tests.sender.wire import Wire
from tests.waiting import until


def turn(server: EmbeddedServer, setting: str, value: str, change: str) -> None:
    """Change a setting, and wait until new connections have it."""
    with superuser(server) as connection:
        connection.execute(change)
        connection.execute("SELECT pg_reload_conf()")

    def shown() -> bool:
        with psycopg.connect(server.conninfo(database="emptied")) as fresh:
            return fresh.execute(f"SHOW {setting}").fetchone() == (value,)

    until(shown)


def durability(daisychain: Daisychain) -> tuple[str, str]:
    found = json.loads(daisychain("doctor", "--format", "json", code=None).stdout)
    [row] = [each for each in found if each["subject"] == "durability"]
    return row["state"], row["words"]


def test_a_server_with_the_defaults_is_good(durable: Daisychain) -> None:
    assert durability(durable)[0] == "good"


@pytest.mark.parametrize(
    ("setting", "level"),
    [
        ("fsync", "SYSTEM"),
        ("full_page_writes", "SYSTEM"),
        ("synchronous_commit", "SYSTEM"),
        ("synchronous_commit", "DATABASE emptied"),
        ("synchronous_commit", "ROLE daisychain"),
    ],
)
def test_a_setting_that_lets_the_server_forget_is_wrong(
    durable: Daisychain, durable_server: EmbeddedServer, setting: str, level: str
) -> None:
    turn(durable_server, setting, "off", f"ALTER {level} SET {setting} = off")
    try:
        state, words = durability(durable)
    finally:
        turn(durable_server, setting, "on", f"ALTER {level} RESET {setting}")
    assert state == "wrong"
    assert f"{setting} is off" in words
    assert "A pooler" not in words


@pytest.mark.parametrize("level", ["DATABASE {}", "ROLE daisychain IN DATABASE {}"])
def test_our_own_commits_wait_for_the_disk_whatever_the_defaults(
    server: EmbeddedServer, settings: Settings, level: str
) -> None:
    name = str(make_url(settings.database_url).database)
    with superuser(server) as connection:
        connection.execute(f"ALTER {level.format(name)} SET synchronous_commit = off")
    database = Database(settings)
    try:
        for _ in range(2):  # also on a connection that was given back and lent again
            with database.engine.begin() as connection:
                assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    finally:
        database.close()
        with superuser(server) as connection:
            connection.execute(f"ALTER {level.format(name)} RESET synchronous_commit")


def test_a_pooler_by_transaction_is_wrong_and_a_plain_connection_is_not(
    server: EmbeddedServer, settings: Settings, tmp_path: Path
) -> None:
    name = str(make_url(settings.database_url).database)
    for pooler, said in ((TransactionPooler(server.socket), True), (Wire(server.socket), False)):
        with pooler:
            daisychain = Daisychain(replace(settings, database_url=pooler.url(name)), tmp_path)
            state, words = durability(daisychain)
        assert state == "wrong"  # the server of the tests is not durable
        assert ("pools by transaction" in words) is said
