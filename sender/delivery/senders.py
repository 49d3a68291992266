"""Who delivers: each delivering process has a row, and holds that row's advisory lock for as long as it lives.

A lock that is free means that the process is dead; PostgreSQL frees it with the connection, seen 4 ms after a SIGKILL.
A process that lives but lost that connection goes on as another sender: what it had in flight stays the first one's,
and is uncertain until its answer comes after all.
The lock belongs to a session, so a connection pooler in front of the server must pool by session.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import Any

import psycopg
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database, reachable
from sender.tables import Batch, Sender

# The first half of our advisory locks' keys, so that they can't meet anybody else's.
LOCK_CLASS = 0x5E9D
# A line that went dead without a word is noticed within a minute, at both ends of what is waited for: libpq's own
# names, in seconds, the last in milliseconds.
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000,
    "connect_timeout": 10,
}  # fmt: skip
log = logging.getLogger("daisychain.senders")

_END = "UPDATE senders SET ended_at = now() WHERE id = %s"


class LiveSender:
    """This process as a sender; use as a context. Raises psycopg errors where the database can't be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = Lock()
        self._connection: psycopg.Connection | None = None
        self.id = 0

    def __enter__(self) -> LiveSender:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute(_END, [self.id])
            self._let_go()

    def sure_id(self) -> int:
        """The id to claim as, its lock just seen to be held; a lost lock makes this a new sender, with a new id.

        Raises DatabaseError where that takes a database that can't be reached: nothing may be claimed then.
        """
        with self._guard:
            if self._connection is not None:
                try:
                    self._connection.execute("SELECT 1")
                    return self.id
                except psycopg.Error:
                    self._let_go()
            with reachable():
                self._begin()
            return self.id

    def give_up(self, id_: int) -> None:
        """Let the lock of `id_` go, if it is still held, so that the sweep takes what it has in flight for lost."""
        with self._guard:
            if self.id == id_ and self._connection is not None:
                self._let_go()

    def _begin(self) -> None:
        """Take a number, lock it, and write it down."""
        lost = self.id
        connection = psycopg.connect(
            self._database.conninfo, autocommit=True, application_name="daisychain sender", **KEEPALIVE
        )
        try:
            # It says nothing for as long as nothing is to be sent, and must outlive that.
            connection.execute("SET idle_session_timeout = 0")
            row = connection.execute("SELECT nextval(pg_get_serial_sequence('senders', 'id'))").fetchone()
            assert row is not None
            id_ = int(row[0])
            # Locked before the row can be seen, so that nobody finds the row with its lock free.
            connection.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, id_])
            connection.execute(
                "INSERT INTO senders (id, host, pid) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s)",
                [id_, socket.gethostname(), os.getpid()],
            )
            if lost:
                connection.execute(_END, [lost])
                log.warning("sender %s lost its lock on the database and goes on as sender %s", lost, id_)
        except BaseException:
            connection.close()
            raise
        self._connection, self.id = connection, id_

    def _let_go(self) -> None:
        assert self._connection is not None
        self._connection.close()
        self._connection = None


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
