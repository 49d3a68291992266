"""Questions at the terminal: while a person thinks, no transaction is open, so nothing is locked or times out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import click
import psycopg
import pytest
from sqlalchemy import text

from commands.campaigns import send
from daisychain.database import Database
from tests.command import Daisychain


def created(run: Daisychain) -> str:
    return str(run.json("campaign", "create", "bulletin.md", "--list", "friends", "--format", "json")["id"])


def restored(run: Daisychain) -> None:
    database = Database(run.settings)
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO confirmed_places (fingerprint, words, confirmed_by) VALUES ('x', 'elsewhere', 'ann')")
        )
    database.close()


def left(run: Daisychain) -> str:
    (run.folder / "left.csv").write_text("email\nann@example.org\n")
    return "left.csv"


# The commands that ask, with what must be there before.
ASKS: dict[str, Callable[[Daisychain], tuple[str, ...]]] = {
    "campaign send": lambda run: ("campaign", "send", created(run)),
    "campaign cancel": lambda run: ("campaign", "cancel", created(run)),
    "campaign delete": lambda run: ("campaign", "delete", created(run)),
    "confirm-here": lambda run: (restored(run), "confirm-here")[1:],
    "confirm-here --new-key": lambda run: ("confirm-here", "--new-key"),
    "list undo-import": lambda run: ("list", "undo-import", "1"),
    "list unsubscribe --file": lambda run: ("list", "unsubscribe", "friends", "--file", left(run)),
}


@pytest.mark.parametrize("command", ASKS)
def test_no_transaction_is_open_while_a_person_thinks(
    friends: Daisychain, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    arguments = ASKS[command](friends)
    open_transactions: list[list[Any]] = []

    def think(question: str, **_: object) -> bool:
        with psycopg.connect(Database(friends.settings).conninfo) as watcher:
            open_transactions.append(
                watcher.execute(
                    "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"
                ).fetchall()
            )
        return True

    monkeypatch.setattr(click, "confirm", think)
    monkeypatch.setattr(send, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True), exit=sys.exit))
    friends(*arguments)
    assert open_transactions == [[]]
