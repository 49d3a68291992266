"""Checks whether the server keeps what it confirmed, and whether each connection has a session of its own."""

from __future__ import annotations

import psycopg

from daisychain.database import Database, reachable
from daisychain.errors import DatabaseError

# Each "off" lets a server that is killed, or loses its power, forget what it confirmed, or damage what it holds.
_LOST_BY = {
    "fsync": "a power cut destroys the database",
    "full_page_writes": "a power cut can damage the database without a word",
    "synchronous_commit": "a killed server forgets its last second for every program that does not ask for more. "
    "Daisychain does, so nobody is mailed twice, but other programs may be less careful",
}
_POOLED = (
    "A pooler in front of the database pools by transaction. Senders hold advisory locks, which belong to a session: "
    "their batches look abandoned. Set the pooler to session mode, or connect without it."
)
ROUNDS = 3


def wrong_settings(database: Database) -> list[str]:
    """Return what is wrong about the server's settings, in sentences. Raises DatabaseError."""
    with reachable(), psycopg.connect(database.conninfo, autocommit=True, connect_timeout=10) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY (%s) ORDER BY name", [list(_LOST_BY)]
        ).fetchall()
    found = [f"{name} is off: {_LOST_BY[name]}. Set it to on." for name, setting in rows if setting == "off"]
    with reachable(), database.engine.connect() as connection:
        if connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "off":
            found.append("A pooler undoes our own synchronous_commit: people may be mailed twice after a crash.")
    return found


def pools_by_transaction(database: Database) -> bool:
    """Return whether a pooler lends its sessions for one transaction each. Raises DatabaseError.

    Two clients are connected and take turns. Each keeps a process of its own on a server, or behind a pooler by
    session; a pooler by transaction gives them the same process, or one of them different ones.
    """
    with (
        reachable(),
        psycopg.connect(database.conninfo, autocommit=True, connect_timeout=10) as one,
        psycopg.connect(database.conninfo, autocommit=True, connect_timeout=10) as other,
    ):
        seen = [{_process(connection) for connection in (one, other)} for _ in range(ROUNDS)]
    return any(len(pair) < 2 or pair != seen[0] for pair in seen)


def _process(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def check_durability(database: Database) -> str:
    """Return that the server keeps what it confirms; raises DatabaseError with everything that is wrong."""
    found = wrong_settings(database)
    if pools_by_transaction(database):
        found.append(_POOLED)
    if found:
        raise DatabaseError(" ".join(found))
    return "the server keeps what it confirmed, and each of our connections has a session of its own"
