"""Who delivers: each delivering process has a row, and holds that row's advisory lock for as long as it lives.

A lock that is free means that the process is dead; PostgreSQL frees it with the connection, seen 4 ms after a SIGKILL.
The lock belongs to a session, so a connection pooler in front of the server must pool by session.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from types import TracebackType

import psycopg
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database
from sender.tables import Batch, Sender

# The first half of our advisory locks' keys, so that they can't meet anybody else's.
LOCK_CLASS = 0x5E9D


class LiveSender:
    """This process as a sender; use as a context. Raises psycopg errors where the database can't be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = Lock()
        self._connection: psycopg.Connection | None = None
        self.id = 0

    def __enter__(self) -> LiveSender:
        self._connection = psycopg.connect(
            self._database.conninfo, autocommit=True, application_name="daisychain sender"
        )
        row = self._connection.execute("SELECT nextval(pg_get_serial_sequence('senders', 'id'))").fetchone()
        assert row is not None
        self.id = int(row[0])
        # Locked before the row can be seen, so that nobody finds the row with its lock free.
        self._connection.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, self.id])
        self._connection.execute(
            "INSERT INTO senders (id, host, pid) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s)",
            [self.id, socket.gethostname(), os.getpid()],
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute("UPDATE senders SET ended_at = now() WHERE id = %s", [self.id])
            self._connection.close()
            self._connection = None

    def alive(self) -> bool:
        """Whether the lock is still held; once it is lost this sender must claim nothing more."""
        with self._guard:
            if self._connection is None:
                return False
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self._connection.close()
                self._connection = None
                return False
            return True


def dead_senders(connection: Connection) -> Sequence[int]:
    """The senders that own a batch in flight and do not live any more; each is locked against a second finder."""
    owners = select(Batch.sender_id).where(Batch.state == "sending").distinct()
    found = connection.scalars(
        select(Sender.id)
        .where(Sender.id.in_(owners), func.pg_try_advisory_xact_lock(LOCK_CLASS, text("senders.id::integer")))
        .order_by(Sender.id)
    ).all()
    if found:
        connection.execute(
            update(Sender).where(Sender.id.in_(found), Sender.ended_at.is_(None)).values(ended_at=func.now())
        )
    return found
