"""Serving as operators do: a command in a process of its own, asked over HTTP."""

from __future__ import annotations

import itertools
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from daisychain.database import Database
from tests.command import Daisychain
from tests.sender.returns import Sent, resent
from tests.sender.staging import add_list, add_people
from tests.waiting import until

PROCESSES = 2
FORM = "application/x-www-form-urlencoded"


@dataclass
class Served:
    """A server with two web processes, and its database; each test makes people of its own there."""

    url: str
    database: Database
    command: Daisychain
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def sent(self, people: int = 1, **tracking: str) -> Sent:
        """Make a sent campaign for people that no other test has."""
        name = f"crowd{next(self.numbers)}-"
        with self.database.engine.begin() as connection:
            list_id = add_list(connection, name)
            members = add_people(connection, list_id, range(people), called=name)
            return resent(self.database, connection, list_id, members, **tracking)


def status(url: str) -> int:
    """Return the status that is answered; 0 if nothing is."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def web_processes(parent: int) -> list[int]:
    """Return the ids of the processes that a server has started, but for Python's tracker of resources."""
    found = [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [each for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


@contextmanager
def serving(command: Daisychain, under: tuple[str, ...] = ()) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve on a free port; gives its URL once it answers, and the process. The command `under` starts it."""
    process = command.start("serve", "--port", "0", "--processes", str(PROCESSES), under=under)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        until(lambda: status(f"{url}/healthz") == 200)
        yield url, process
    finally:
        process.terminate()
        process.communicate(timeout=300)
