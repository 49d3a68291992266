"""Senders: each delivering process has a row, and holds that row's advisory lock while it lives.

If the lock is free, the process is dead: PostgreSQL frees it with the connection (measured: 4 ms after a SIGKILL). A
live process that lost the connection continues as a new sender. Batches in flight stay with the old one, and are
uncertain until their answers come. The lock belongs to a session, so a pooler such as PgBouncer must pool by session.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database, reachable
from sender.delivery.readiness import LOCK_CLASS
from sender.tables import Batch, Sender

log = logging.getLogger("daisychain.senders")

# Beside the senders' own locks, of which the first has the number 1: held by each worker, which also does the chores. A
# `campaign send` does not.
_CHORES = 0
_END = "UPDATE senders SET ended_at = now() WHERE id = %s"

_WORKER = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :class AND objid = :chores
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")


class LiveSender:
    """This process as a sender; use as a context manager. Raises psycopg errors if the database can't be reached.

    With `chores` it is a worker, and others know that one is running.
    """

    def __init__(self, database: Database, lacks: Mapping[str, str] | None = None, *, chores: bool = False) -> None:
        self._database, self._chores = database, chores
        self._lacks = Jsonb(dict(lacks or {}))
        self._guard = Lock()
        self._connection: psycopg.Connection | None = None
        self.id = 0

    def __enter__(self) -> LiveSender:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute(_END, [self.id])
            self._disconnect()

    def verified_id(self) -> int:
        """Return the id to claim with, after checking that its lock is held; if it is lost, become a new sender.

        Raises DatabaseError if the database can't be reached: then nothing may be claimed.
        """
        with self._guard:
            if self._connection is not None:
                try:
                    self._connection.execute("SELECT 1")
                    return self.id
                except psycopg.Error:
                    self._disconnect()
            with reachable():
                self._begin()
            return self.id

    def release_lock(self, id_: int) -> None:
        """Release the lock of `id_` if it is still held, so that the sweep handles its batches in flight."""
        with self._guard:
            if self.id == id_ and self._connection is not None:
                self._disconnect()

    def _begin(self) -> None:
        """Take a new id, lock it, and insert the row."""
        lost = self.id
        connection = psycopg.connect(self._database.conninfo, autocommit=True, application_name="daisychain sender")
        try:
            connection.execute(self._database.session.encode())
            # The connection is idle while there is nothing to send, and must survive that.
            connection.execute("SET idle_session_timeout = 0")
            row = connection.execute("SELECT nextval(pg_get_serial_sequence('senders', 'id'))").fetchone()
            assert row is not None
            id_ = int(row[0])
            # Locked before the row is visible, so that nobody sees the row with a free lock.
            connection.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, id_])
            if self._chores:
                connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", [LOCK_CLASS, _CHORES])
            connection.execute(
                "INSERT INTO senders (id, host, pid, lacks) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s)",
                [id_, socket.gethostname(), os.getpid(), self._lacks],
            )
            if lost:
                connection.execute(_END, [lost])
                log.warning("sender %s lost its lock on the database and continues as sender %s", lost, id_)
        except BaseException:
            connection.close()
            raise
        self._connection, self.id = connection, id_

    def _disconnect(self) -> None:
        assert self._connection is not None
        self._connection.close()
        self._connection = None


def is_worker_running(connection: Connection) -> bool:
    """Report whether any worker lives, on whatever machine; a process that only sends a campaign is none."""
    return bool(connection.scalar(_WORKER, {"class": LOCK_CLASS, "chores": _CHORES}))


def dead_senders(connection: Connection) -> Sequence[int]:
    """Return the dead senders that own a batch in flight, each locked so that only one process handles it."""
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
