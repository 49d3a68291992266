"""A machine of its own for a test: a network namespace whose link to a PostgreSQL a test can take down."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from daisychain import schema
from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from tests.command import Daisychain

_NUMBERS = itertools.count()


def can_make_networks() -> bool:
    """Return whether this machine lets us make network namespaces."""
    if not shutil.which("ip"):
        return False
    name = f"daisychain-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "del", name)
    return made


class FarMachine:
    """A machine that reaches the database over a link; `vanish` takes the link down, and nothing is closed."""

    def __init__(self) -> None:
        # A network that was removed lingers for a moment, and other runs may be at work: each has names of its own.
        number = os.getpid() * 16 % 4096 + next(_NUMBERS)
        self.name = f"daisychain-{os.getpid()}-{number}"
        network = f"10.213.{number // 64 % 256}"
        self.here, self.there = f"{network}.{number % 64 * 4 + 1}", f"{network}.{number % 64 * 4 + 2}"
        self._link = f"dc{number}v"

    def make(self) -> None:
        """Make the namespace and both ends of its link."""
        _ip("netns", "add", self.name)
        _ip("link", "add", f"{self._link}0", "type", "veth", "peer", "name", f"{self._link}1", "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", f"{self._link}0")
        _ip("link", "set", f"{self._link}0", "up")
        _ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", f"{self._link}1")
        for device in ("lo", f"{self._link}1"):
            _ip("-n", self.name, "link", "set", device, "up")

    def vanish(self) -> None:
        """Take the link down at its far end, so that both sides send into nothing."""
        _ip("-n", self.name, "link", "set", f"{self._link}1", "down")

    def remove(self) -> None:
        """Remove everything, also what was only half made."""
        for command in (("netns", "del", self.name), ("link", "del", f"{self._link}0")):
            with suppress(subprocess.CalledProcessError):
                _ip(*command)

    def start(self, command: Daisychain, *arguments: str, before: str = "") -> subprocess.Popen[str]:
        """Start a command on this machine, as `Daisychain.start` does."""
        return command.start(*arguments, before=before, under=("ip", "netns", "exec", self.name))


@contextmanager
def server_for(far: FarMachine, folder: Path) -> Iterator[tuple[Database, str]]:
    """Start a PostgreSQL that `far` can reach; gives access from here, and the URL for over there."""
    server = EmbeddedServer(folder / "home")
    server.start()
    try:
        with psycopg.connect(server.conninfo(role="postgres", database="postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET listen_addresses = '{far.here}'")
        server._as_owner(["tee", "-a", str(server.data / "pg_hba.conf")], text=f"host all all {far.there}/32 trust\n")
        server._run("pg_ctl", "restart", "-D", str(server.data), "-m", "fast", "-w", "-l", str(server.place / "log"))
        near = f"postgresql+psycopg://daisychain@/daisychain?host={server.socket}"
        database = Database(
            Settings(folder / "near", near, "http://127.0.0.1:8000", "a secret for tests, and long enough",
                     test_mode=True)
        )  # fmt: skip
        schema.upgrade(database.unchecked_engine)
        yield database, f"postgresql+psycopg://daisychain@{far.here}/daisychain?sslmode=disable"
        database.close()
    finally:
        server.release()
        shutil.rmtree(server.folder, ignore_errors=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
