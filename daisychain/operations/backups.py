"""Backups of the database by PostgreSQL's own programs, and putting one back.

A backup is one snapshot, taken while everything goes on. A restore happens beside what is there and takes its place at
the end, so that one that fails leaves everything as it was. The secret key is not in the database, so in no backup.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from daisychain import schema
from daisychain.database import Database
from daisychain.embedded import MAJOR, programs
from daisychain.errors import DatabaseError, InputError, StateError
from sender.delivery.fresh_numbers import move_numbers_ahead

DEBIAN = Path("/usr/lib/postgresql")
ASIDE = "before_restore"
# What any installation writes by being looked at, so that a database with nothing else in it counts as empty.
_OWN_ACCOUNT = ("alembic_version", "senders", "chores", "confirmed_places")

Watch = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """A restore's result: the schema's version, campaigns, and people in their ledgers."""

    version: str
    campaigns: int
    deliveries: int


def backup(database: Database, file: Path, watch: Watch) -> int:
    """Write the database into a new `file`, which only its owner may read; returns its size in bytes.

    `watch` is called with the name of each table. Raises InputError for a file that exists or can't be
    written, and DatabaseError.
    """
    if file.exists():
        raise InputError(f"{file} exists already.", hint="Name another file; no backup is ever overwritten.")
    part = file.with_name(f"{file.name}.part")
    try:
        # Made beforehand, so that nobody else can ever read it. Not by a pipe: it goes back to fill in its contents.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _run(database, "pg_dump", ["--format=custom", f"--file={part}", *_BARE], watch)
        part.rename(file)
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def restore(database: Database, file: Path, watch: Watch, *, overwrite: bool = False) -> Restored:
    """Replace what the database holds by a backup; `watch` is called with the name of each table.

    Raises InputError for a file that is not our backup, StateError if somebody is at work or, unless
    `overwrite`, if something would be lost; DatabaseError if it fails. Nothing is changed then.
    """
    with _alone(database) as connection:
        _put_back(connection)
        _check_backup(file, connection)
        if not overwrite and (table := _filled(connection)):
            raise StateError(
                f"The database is not empty: there are rows in {table}. Nothing was changed.",
                hint="Restore into a new home or an empty database; or --yes-overwrite, and what is here is gone.",
            )
        with _beside(connection):
            _run(database, "pg_restore", [*_BARE, "--single-transaction", "--exit-on-error", str(file)], watch)
            restored = _look(connection)
            if restored.version > schema.HEAD:
                raise DatabaseError(
                    f"The backup is of a newer version ({restored.version}) than this Daisychain ({schema.HEAD}).",
                    hint="Nothing was changed. Install the newer Daisychain first.",
                )
            with database.unchecked_engine.begin() as restored_database:
                move_numbers_ahead(restored_database)
        connection.execute("ANALYZE")
    return restored


def tables(database: Database) -> int:
    """Count the tables that a backup of the database would have, for its progress bar."""
    with psycopg.connect(database.conninfo) as connection:
        return len(_tables(connection))


# Whoever restores owns what is restored: roles differ from one server to the next.
_BARE = ("--no-owner", "--no-privileges", "--verbose")
_TABLE = re.compile(r'(?:dumping contents of|processing data for) table "(?:\w+\.)?(\w+)"')


@contextmanager
def _alone(database: Database) -> Iterator[psycopg.Connection]:
    """A connection of our own while nobody else has one; raises StateError."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL AND pid <> %s"
    )
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        # The server notices a moment later that a connection was closed.
        for wait in (0.1, 0.4, 1, 2, 0):
            row = connection.execute(others, [connection.info.backend_pid]).fetchone()
            if not row or not row[0]:
                break
            time.sleep(wait)
        else:
            assert row
            raise StateError(
                f"Somebody is at work in this database ({row[0]} connections). Nothing was changed.",
                hint="Stop `daisychain serve`, workers and sends first.",
            )
        yield connection


@contextmanager
def _beside(connection: psycopg.Connection) -> Iterator[None]:
    """Set what is there aside, and drop it at the end, or put it back if the body raises."""
    with connection.transaction():
        connection.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}")
        connection.execute("CREATE SCHEMA public")
    try:
        yield
    except BaseException:
        _swap_back(connection)
        raise
    connection.execute(f"DROP SCHEMA {ASIDE} CASCADE")


def _put_back(connection: psycopg.Connection) -> None:
    """Put back what a restore that was killed left aside; raises StateError if something has taken its place."""
    if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [ASIDE]).fetchone():
        return
    if _filled(connection):
        raise StateError(
            f"A restore was killed here: what was there before is in the schema {ASIDE}.",
            hint=f"If the tables in the schema public are the right ones: DROP SCHEMA {ASIDE} CASCADE.",
        )
    _swap_back(connection)


def _swap_back(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute(f"ALTER SCHEMA {ASIDE} RENAME TO public")


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def _filled(connection: psycopg.Connection) -> str:
    """The first table with something in it that a restore would destroy, or nothing."""
    for table in _tables(connection):
        if table in _OWN_ACCOUNT or table.startswith("procrastinate_"):
            continue
        row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM public.{})").format(sql.Identifier(table)))
        if (found := row.fetchone()) and found[0]:
            return table
    return ""


def _look(connection: psycopg.Connection) -> Restored:
    row = connection.execute(
        "SELECT (SELECT version_num FROM alembic_version), (SELECT count(*) FROM campaigns),"
        " (SELECT count(*) FROM deliveries)"
    ).fetchone()
    assert row is not None
    return Restored(*row)


def _check_backup(file: Path, connection: psycopg.Connection) -> None:
    """Raise InputError unless `file` is a whole backup of a Daisychain that this server can hold."""
    if not file.is_file():
        raise InputError(f"{file} does not exist.")
    # Reads only the table of contents; the newest program reads those of all older ones.
    result = subprocess.run(
        [programs() / "pg_restore", "--list", file], env=_environment({}), capture_output=True, text=True, check=False
    )
    if result.returncode or " TABLE public alembic_version " not in result.stdout:
        raise InputError(f"{file} is no backup of a Daisychain database.", hint="Nothing was changed.")
    dumped = re.search(r"Dumped from database version: (\d+)", result.stdout)
    server = connection.info.server_version // 10000
    if dumped and int(dumped[1]) > server:
        raise InputError(
            f"{file} comes from PostgreSQL {dumped[1]}, and this server is PostgreSQL {server}.",
            hint="A backup goes to a server of its own version or a newer one.",
        )


_UNCHANGED = "The database is as it was before."


def _run(database: Database, program: str, arguments: list[str], watch: Watch) -> None:
    """Run a program on the database, telling `watch` the tables it speaks of; raises DatabaseError with its words."""
    place = {name: str(value) for name, value in conninfo_to_dict(database.conninfo).items()}
    # Everybody on the machine may read a command line, and nobody else our environment.
    secrets = {"PGPASSWORD": place.pop("password")} if "password" in place else {}
    arguments = [f"--dbname={make_conninfo(**place)}", *arguments]
    command = [str(_program(database, program)), *arguments]
    last = ""
    with subprocess.Popen(
        command, env=_environment(secrets), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        try:
            for line in process.stderr or ():
                if table := _TABLE.search(line):
                    watch(table[1])
                if "error:" in line:
                    last = last or line.strip()
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise DatabaseError(f"{program} failed: {last or f'exit code {process.returncode}'}", hint=_UNCHANGED)


def _environment(secrets: dict[str, str]) -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: libpq's variables, and of our secrets the one they need."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR") or name[:2] == "PG"}
    return {**kept, **secrets, "LC_ALL": "C.UTF-8"}


def _program(database: Database, name: str) -> Path:
    """PostgreSQL's program of the server's own version: an older one refuses, a newer one says things it can't read."""
    with psycopg.connect(database.conninfo) as connection:
        major = connection.info.server_version // 10000
    if major == MAJOR:
        return programs() / name
    for path in (DEBIAN / str(major) / "bin" / name, Path(name)):
        with suppress(OSError):
            words = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(rf"\) {major}\b", words):
                return path
    raise DatabaseError(
        f"The server is PostgreSQL {major}, and there is no {name} of that version here.",
        hint=f"Install PostgreSQL's client programs of version {major} (Debian: postgresql-client-{major}).",
    )
