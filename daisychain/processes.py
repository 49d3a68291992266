"""A crew: further processes that work beside this one, for one Python process keeps no more than one core busy.

What ends their work is a pipe that closes: because we close it, or because we are no more, however we died. They
finish what they have in hand, and go. Ctrl-C, which a terminal sends to all of them, is left to the first process.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import FrameType, TracebackType

from daisychain import clock
from daisychain.database import Database
from daisychain.settings import Settings

# Beyond so many it is the database that is waited for (docs/scaling.md).
MOST_BY_ITSELF = 8


def cores() -> int:
    """How many processes a machine's work is shared out among where nobody says: its usable cores, up to a limit."""
    return min(len(os.sched_getaffinity(0)), MOST_BY_ITSELF)


class Processes:
    """Processes that do the same work, as many as were asked for so far; use as a context, which waits for them.

    `work` is a function of a module, called as work(database, stop, *arguments) and to return soon after the event
    `stop` is set. One that dies is not replaced: what it had in hand is for the sweep, and the others go on.
    """

    def __init__(self, settings: Settings, work: Callable[..., None], *arguments: object) -> None:
        self._orders = settings, work.__module__, work.__name__, arguments
        self._members: list[subprocess.Popen[bytes]] = []

    def grow(self, to: int) -> None:
        """Start as many as are missing."""
        while len(self._members) < to:
            # The secrets among the settings go through the pipe, where no list of processes shows them.
            member = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )  # fmt: skip
            self._members.append(member)
            assert member.stdin is not None
            with suppress(BrokenPipeError):  # it is gone already, having said why on stderr
                pickle.dump(self._orders, member.stdin)
                member.stdin.flush()

    def dismiss(self) -> None:
        """Have all of them stop, without waiting for it."""
        for member in self._members:
            assert member.stdin is not None
            with suppress(BrokenPipeError):
                member.stdin.close()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        # Somebody who breaks off will not wait; they still come to their own end.
        for member in self._members if kind is not KeyboardInterrupt else ():
            member.wait()


def main() -> None:
    """The life of one of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    settings, module, name, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started us
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    clock.settle(settings.time_zone)
    database = Database(settings)
    try:
        getattr(import_module(module), name)(database, stop, *arguments)
    finally:
        database.close()


def _wait_for_end(stop: threading.Event) -> None:
    # The descriptor itself: a thread that holds a buffered stream's lock at the end would break the interpreter off.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


if __name__ == "__main__":
    main()
