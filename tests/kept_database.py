"""The database that tests share one after the other: emptied after each in some milliseconds, and seldom made anew.

CREATE DATABASE takes a quarter of a second; deleting a small test's rows and setting the sequences back takes some
milliseconds. So that no test meets anything of another one, the database is made anew after a test that changed the
schema, left a session behind (a process that was killed, or that still runs), grew it by more than a few
pages, or closed the database to us.
"""

from __future__ import annotations

import itertools
import time

import psycopg
from psycopg import sql

from daisychain.embedded import EmbeddedServer

TEMPLATE = "template_daisychain"
# Deleted rows stay in their pages until they are vacuumed, and make the next test slower: once a database has grown by
# as many bytes, it is cheaper to begin anew.
TOO_LARGE = 3_000_000

# What a test must leave as it was: new objects have higher numbers, dropped ones are missing in the counts.
_STATE = """
    SELECT (SELECT array_agg(version_num)::text FROM alembic_version),
           (SELECT (count(*), max(oid::bigint))::text FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
            WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped),
           (SELECT (count(*), max(oid::bigint))::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
           (SELECT (count(*), max(oid::bigint))::text FROM pg_trigger),
           (SELECT (count(*), max(oid::bigint))::text FROM pg_constraint),
           (SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'),
           (SELECT count(*) FROM pg_db_role_setting)
"""
_SHARED = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
"""
# The sessions that a test closed end a moment later. One that is still there after so many seconds was left behind.
LEFT_BEHIND = 0.2
_SIZE = "SELECT pg_database_size(current_database())"
# How many rows ever went into each table: a session has reported its own by the time that it is over.
_INSERTED = "SELECT relname, n_tup_ins FROM pg_stat_user_tables WHERE n_tup_ins > 0 AND relname <> 'alembic_version'"
_RESET = """
    SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
    WHERE relnamespace = 'public'::regnamespace AND pg_sequence_last_value(seqrelid) IS NOT NULL
"""


def superuser(server: EmbeddedServer, database: str = "postgres") -> psycopg.Connection:
    """Connect as the one who may do anything; each statement is its own transaction."""
    return psycopg.connect(server.conninfo(role="postgres", database=database), autocommit=True)


def url_of(server: EmbeddedServer, name: str) -> str:
    """Return the URL of a database of this server."""
    return f"postgresql+psycopg://daisychain@/{name}?host={server.socket}"


class KeptDatabase:
    """A copy of the template that is used again and again."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._create()

    @property
    def url(self) -> str:
        """Where it is now; another place after it was made anew."""
        return url_of(self._server, self._name)

    def empty(self) -> None:
        """Delete what a test left, or make the database anew if that does not do."""
        try:
            emptied = self._emptied()
        except psycopg.Error:
            emptied = False
        if not emptied:
            self.close()
            with superuser(self._server) as connection:
                connection.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._create()

    def close(self) -> None:
        """End the session that empties it, until it is emptied next."""
        self._connection.close()

    def _emptied(self) -> bool:
        if self._connection.closed:
            self._connection = superuser(self._server, self._name)
        connection = self._connection
        deadline = time.monotonic() + LEFT_BEHIND
        while connection.execute(_SHARED).fetchone() == (True,):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        if self._grown() > TOO_LARGE or connection.execute(_STATE).fetchone() != self._state:
            return False
        inserted = dict(connection.execute(_INSERTED).fetchall())
        # Only these: most tests fill a few of the 76 tables.
        filled = [name for name in inserted.keys() | self._inserted if inserted.get(name) != self._inserted.get(name)]
        deleting = sql.SQL("").join(sql.SQL("DELETE FROM {};").format(sql.Identifier(name)) for name in filled)
        # Without this, each foreign key would be looked up for each row.
        connection.execute(sql.SQL("BEGIN; SET LOCAL session_replication_role = replica; {} COMMIT").format(deleting))
        self._inserted = inserted
        connection.execute(_RESET)
        return True

    def _grown(self) -> int:
        """By how many bytes the database has grown since it was made."""
        row = self._connection.execute(_SIZE).fetchone()
        return (row[0] if row else 0) - self._size

    def _create(self) -> None:
        self._name = f"test_{next(self._numbers)}"
        with superuser(self._server) as connection:
            connection.execute(f"CREATE DATABASE {self._name} TEMPLATE {TEMPLATE} OWNER daisychain")
        # Kept: a new session would first have to read the catalogue, which takes longer than all the rest.
        self._connection = superuser(self._server, self._name)
        self._state = self._connection.execute(_STATE).fetchone()
        self._size = 0
        self._size = self._grown()
        self._inserted: dict[str, int] = dict(self._connection.execute(_INSERTED).fetchall())
