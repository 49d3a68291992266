"""Connections of the pool: one that rests is used again without a ping, and one whose server is gone is replaced."""

from __future__ import annotations

import math

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from daisychain import database as frame
from daisychain.database import Database

PID = text("SELECT pg_backend_pid()")


def ended(database: Database) -> int:
    """Let the server end a connection that rests in the pool; returns its process."""
    with database.engine.connect() as other:
        with database.engine.connect() as connection:
            pid: int = connection.scalar(PID)  # type: ignore[assignment]
        # Not by looking: what a transaction sees of the sessions stays as it was at the first look.
        assert other.scalar(text("SELECT pg_terminate_backend(:pid, 300000)"), {"pid": pid})
        with database.engine.connect() as connection:
            assert connection.scalar(PID) != pid
    return pid


def test_a_connection_that_the_server_ended_a_moment_ago_is_replaced_before_its_use(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "PING_AFTER", math.inf)
    ended(database)


def test_a_connection_that_has_rested_is_pinged_as_a_network_may_have_lost_it_in_silence(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_has_news", lambda connection: False)
    monkeypatch.setattr(frame, "PING_AFTER", -1.0)
    ended(database)


def test_a_connection_that_was_used_a_moment_ago_is_not_pinged(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_has_news", lambda connection: False)
    monkeypatch.setattr(frame, "PING_AFTER", math.inf)
    with pytest.raises(OperationalError, match="terminating connection"):
        ended(database)
