"""The database: one PostgreSQL, embedded in the home or named by DAISYCHAIN_DATABASE_URL, and how to reach it.

The embedded database migrates itself; a server's is upgraded by `daisychain db upgrade`, and nothing is touched before.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from select import POLLIN, poll
from typing import Any, ClassVar

import orjson
import psycopg
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    DateTime,
    Engine,
    ExceptionContext,
    MetaData,
    Text,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from daisychain import schema
from daisychain.embedded import EmbeddedServer
from daisychain.errors import ConfigurationError, DatabaseError, LockedError
from daisychain.hosts import is_loopback
from daisychain.settings import Settings

log = logging.getLogger("daisychain.database")

OLDEST_SERVER = 150000  # PostgreSQL 15

# A machine that vanishes closes no connection, and by default Linux notices after two hours. With these, both sides
# notice within 20 s, and the server frees the locks. libpq's names for our side, in seconds (tcp_user_timeout in
# milliseconds); a URL may say otherwise. A Unix socket ignores them.
KEEPALIVE = {
    "connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "3", "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}  # fmt: skip
# The same for the server's side. A statement that waits for a lock reads nothing from its client: only the check of the
# connection ends it (not on Windows).
#
# And a commit waits for the disk, whatever the defaults of the server, the database and the role: a claim that a killed
# server forgets mails people twice; a forgotten unsubscribe mails them once more. Statements rather than options of the
# start, which poolers refuse or ignore. To do without, SET LOCAL in a transaction.
_SESSION = """
    SET synchronous_commit = on;
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = 20000; SET idle_in_transaction_session_timeout = '{idle}';
    SELECT set_config('client_connection_check_interval', '5s', false) WHERE version() !~* 'windows|mingw|visual c'
"""
# A process that hangs in a transaction, or whose pooler keeps the connection, blocks others no longer than this. A
# command may compile or ask a person in a transaction; nothing that works for everybody does.
IDLE_COMMAND, IDLE_WORKER = "15min", "20s"
# Imports and freezes hold what they change until they end. Nobody watches a terminal or a page for longer than this
# without a word; a worker waits, and so does an unsubscribe, which must not be lost.
LOCK_COMMAND, LOCK_BRIEF = "5min", "10s"
_SETTINGS = "daisychain_settings"
# Seconds that a connection may rest and be used again without a ping.
PING_AFTER = 1.0
_RESTS_SINCE = "daisychain_rests_since"


class Base(DeclarativeBase):
    """The tables of all rooms; used through Core statements only."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[Mapping[Any, Any]] = {
        int: BigInteger, str: Text, datetime: DateTime(timezone=True), dict[str, Any]: JSONB,
    }  # fmt: skip


class Database:
    """Access for one process; the engine is made, and the embedded server joined, when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.server: EmbeddedServer | None = None
        self._idle = IDLE_COMMAND

    def for_work(self) -> None:
        """Let the server soon end transactions of this process that do nothing, so that they don't block others."""
        self._idle = IDLE_WORKER
        if "unchecked_engine" in self.__dict__:
            self.unchecked_engine.dispose()  # connections made from now on have it

    @property
    def session(self) -> str:
        """Return the statements with which each connection begins, in autocommit."""
        # What a worker does must be done, however long it waits, and whatever limit the server has.
        limit = LOCK_COMMAND if self._idle == IDLE_COMMAND else "0"
        return f"SET lock_timeout = '{limit}';" + _SESSION.format(idle=self._idle)

    @property
    def embedded(self) -> bool:
        """Whether this is the home's own server."""
        return not self.settings.database_url

    @cached_property
    def url(self) -> URL:
        """Return the database's URL; starts the embedded server. Raises DatabaseError, ConfigurationError."""
        if self.embedded:
            self.server = EmbeddedServer(self.settings.home)
            self.server.start()
            return URL.create(
                "postgresql+psycopg", "daisychain", query={"host": str(self.server.socket)}, database="daisychain"
            )
        try:
            url = make_url(self.settings.database_url)
        except ArgumentError:
            raise ConfigurationError("DAISYCHAIN_DATABASE_URL", "is not a database URL.", hint=URL_HINT) from None
        if url.get_backend_name() not in {"postgresql", "postgres"}:
            raise ConfigurationError(
                "DAISYCHAIN_DATABASE_URL", f"names {url.drivername!r}; only PostgreSQL will do.", hint=URL_HINT
            )
        url = _encrypted(url.set(drivername="postgresql+psycopg"))
        return url.update_query_dict({name: value for name, value in KEEPALIVE.items() if name not in url.query})

    @property
    def conninfo(self) -> str:
        """The same place as a libpq connection string, for what speaks to psycopg directly."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @cached_property
    def unchecked_engine(self) -> Engine:
        """An engine that does not look at the schema's version: for upgrades and the doctor."""
        engine = create_engine(
            self.url, pool_size=16, max_overflow=16,
            # A failing statement's traceback is logged, and its parameters may be people's addresses.
            hide_parameters=True,
            json_deserializer=orjson.loads,
            execution_options={_SETTINGS: self.settings},
            connect_args={"options": "-c timezone=UTC", "application_name": "daisychain"},
        )  # fmt: skip
        event.listen(engine, "connect", self._begin_session)
        event.listen(engine, "checkin", lambda _, entry: entry.info.update({_RESTS_SINCE: time.monotonic()}))
        event.listen(engine, "checkout", partial(_wake, engine.dialect.do_ping))
        event.listen(engine, "handle_error", _locked)
        return engine

    def _begin_session(self, connection: psycopg.Connection, _: object) -> None:
        connection.autocommit = True
        connection.execute(self.session.encode())
        connection.autocommit = False

    @cached_property
    def engine(self) -> Engine:
        """The engine, once the schema is known to fit; raises DatabaseError that says what to do."""
        engine = self.unchecked_engine
        with reachable():
            with engine.connect() as connection:
                found = schema.version(connection)
                server = connection.connection.driver_connection.info.server_version  # type: ignore[union-attr]
            if server < OLDEST_SERVER:
                raise DatabaseError(
                    "The database server is older than PostgreSQL 15.", hint="Upgrade the server first."
                )
            if found != schema.HEAD:
                self._settle(found)
        return engine

    @cached_property
    def brief_engine(self) -> Engine:
        """The same engine for what can be retried: it raises LockedError soon if others hold what it changes."""
        engine = self.engine.execution_options()
        event.listen(engine, "begin", _wait_briefly)
        return engine

    def _settle(self, found: str | None) -> None:
        if found is not None and found > schema.HEAD:
            raise DatabaseError(
                f"The database is of a newer version ({found}) than this Daisychain ({schema.HEAD}).",
                hint="Install the newer Daisychain again; an older one must not write here.",
            )
        if not self.embedded:
            raise DatabaseError(
                f"The database is at version {found or 'none'}, this Daisychain needs {schema.HEAD}.",
                hint="Run `daisychain db upgrade` first.",
            )
        schema.upgrade(self.unchecked_engine)

    def revive(self) -> None:
        """Start the embedded server again if it has died; raises DatabaseError. Nobody else would while we use it."""
        if self.server is not None:
            self.server.revive()

    def close(self) -> None:
        """Close connections and leave the embedded server."""
        if "unchecked_engine" in self.__dict__:
            self.unchecked_engine.dispose()
        if self.server is not None:
            self.server.release()
        for name in ("url", "unchecked_engine", "engine", "brief_engine"):
            self.__dict__.pop(name, None)


def _wait_briefly(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_BRIEF}'")


def _locked(context: ExceptionContext) -> LockedError | None:
    return LockedError() if isinstance(context.original_exception, psycopg.errors.LockNotAvailable) else None


def _wake(ping: Callable[[Any], bool], connection: psycopg.Connection, entry: ConnectionPoolEntry, _: object) -> None:
    """Ping a connection before its use if it may be dead; the pool then makes a new one in its place.

    It may be if it has rested for a while, or if its server has sent something that nobody asked for: mostly its end.
    To ping it each time, as the pool would, is every second round trip of a click.
    """
    since = entry.info.get(_RESTS_SINCE)  # nothing if it is new
    try:
        if since is not None and (time.monotonic() - since > PING_AFTER or _has_news(connection)):
            ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _has_news(connection: psycopg.Connection) -> bool:
    asked = poll()
    asked.register(connection, POLLIN)
    return bool(asked.poll(0))


def settings_of(connection: Connection) -> Settings:
    """Return the settings that a connection was opened with, for what depends on the installation's secret."""
    settings: Settings = connection.get_execution_options()[_SETTINGS]
    return settings


def database_now(connection: Connection) -> datetime:
    """Return the time of the database, for comparisons with rows; this machine's own clock may be wrong."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def may_wait(connection: Connection) -> None:
    """Let the caller's transaction be idle for minutes, for a provider's answer; it must hold no locks others need."""
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_COMMAND}'"))


@contextmanager
def unless_locked(connection: Connection) -> Iterator[None]:
    """Run a step in a savepoint; if it waits for a lock longer than `lock_timeout`, undo it and go on without it."""
    try:
        with connection.begin_nested():
            yield
    except LockedError:
        log.warning("rows are locked by another process; the next time will do")


def _encrypted(url: URL) -> URL:
    """Return the URL with TLS required if the server may be on another machine; by itself, libpq only prefers it.

    PGSSLMODE and a service file, which we can't read, come first.
    """
    if "sslmode" in url.query or os.environ.get("PGSSLMODE") or "service" in url.query:
        return url
    named = [url.host or "", *(each for name in ("host", "hostaddr") for each in url.normalized_query.get(name, ()))]
    hosts = [host for each in named for host in each.split(",") if host]
    hosts = hosts or [host for name in ("PGHOST", "PGHOSTADDR") for host in os.environ.get(name, "").split(",") if host]
    here = all(host.startswith("/") or is_loopback(host) for host in hosts)
    return url if here else url.update_query_dict({"sslmode": "require"})


URL_HINT = "It looks like postgresql://user:password@host/database"


@contextmanager
def reachable() -> Iterator[None]:
    """Translate the driver's connection errors into a DatabaseError without a password in it."""
    try:
        yield
    except _connection_errors() as error:
        cause = getattr(error, "orig", None) or error.__cause__ or error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise DatabaseError(
            f"The database can't be reached: {reason}",
            hint="What was written down is safe: when the database is back, run the command again.",
        ) from None


def _connection_errors() -> tuple[type[Exception], ...]:
    """Return what the drivers raise; Procrastinate's only if it has been imported, which takes a tenth of a second."""
    procrastinate = sys.modules.get("procrastinate")
    jobs = (procrastinate.exceptions.ConnectorException,) if procrastinate else ()
    return OperationalError, psycopg.OperationalError, *jobs
