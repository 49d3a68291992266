"""Further processes that work beside this one, because one Python process uses only one core; and how to stop.

The further processes stop at a message through a pipe, or when the pipe closes because the first process died.
They finish what they have in hand, and go. Ctrl-C, which a terminal sends to all of them, is left to the first process.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from queue import SimpleQueue
from types import FrameType, TracebackType

from daisychain import clock
from daisychain.database import Database
from daisychain.settings import Settings

# Beyond so many it is the database that is waited for (docs/scaling.md).
MOST_BY_ITSELF = 8
# A process that is still starting learns late that it is to stop; nobody waits longer for that, in seconds.
TOLD_WITHIN = 5.0
# Whatever hangs, a process that is to stop ends after so many seconds; systemd would kill it after 90.
STOP_WITHIN = 60.0
log = logging.getLogger("daisychain.processes")


def cores() -> int:
    """Return how many processes share a machine's work by default: its usable cores, up to a limit."""
    return min(len(os.sched_getaffinity(0)), MOST_BY_ITSELF)


class StopFlag(threading.Event):
    """An event that also calls its listeners at once. Never set it in a signal handler; see `set_by_signals`."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Set the flag, then run the callbacks, each once; returns after them."""
        with self._lock:
            super().set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Run `callback` once the flag is set; at once if it is set already."""
        with self._lock:
            if not self.is_set():
                self._callbacks.append(callback)
                return
        callback()


@contextmanager
def ending_in_time(stop: StopFlag) -> Iterator[None]:
    """End this process STOP_WITHIN seconds after `stop` was set, if it is still in the context then.

    What it had in flight is uncertain, as after a kill: its connections and locks end with it.
    """
    over = threading.Event()

    def end() -> None:
        if not over.wait(STOP_WITHIN):
            log.error("something still hangs %g s after the stop; this process ends anyway", STOP_WITHIN)
            os._exit(1)

    stop.on_set(threading.Thread(target=end, name="daisychain-end", daemon=True).start)
    try:
        yield
    finally:
        over.set()


@contextmanager
def set_by_signals(
    stop: StopFlag, *numbers: signal.Signals, then: Callable[[], None] = lambda: None, second_breaks_off: bool = False
) -> Iterator[None]:
    """Let these signals (SIGTERM and SIGINT if none is named) set `stop`, and call `then` after its callbacks.

    With `second_breaks_off` a second signal does what it did before. Outside the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler runs in the main thread between any two of its steps, also while that thread holds the lock of the
    # event it waits for: `Event.set` would then wait for ever. `SimpleQueue.put` is made to be called there.
    signals: SimpleQueue[bool] = SimpleQueue()
    before = {number: signal.getsignal(number) for number in numbers or (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        if second_breaks_off:
            restore()
        signals.put(True)

    def set_after_signal() -> None:
        if signals.get():
            stop.set()
            then()

    thread = threading.Thread(target=set_after_signal, name="daisychain-signals", daemon=True)
    thread.start()
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
        signals.put(False)
        thread.join()


class Processes:
    """Processes that do the same work, as many as were asked for so far; use as a context, which waits for them.

    `work` is a function of a module, called as work(database, stop, *arguments); it returns soon after the flag
    `stop` is set. A process that dies is not replaced: the sweep deals with what it had in hand, and the others go on.
    """

    def __init__(self, settings: Settings, work: Callable[..., None], *arguments: object) -> None:
        self._orders = settings, work, arguments
        self._lock = threading.Lock()
        self._dismissed = False
        self._members: list[tuple[subprocess.Popen[bytes], Connection]] = []

    def grow(self, to: int) -> None:
        """Start as many as are missing, unless they were dismissed."""
        with self._lock:
            while len(self._members) < to and not self._dismissed:
                self._start()

    def _start(self) -> None:
        # The secrets among the settings go through the pipe, where no list of processes shows them. It is not
        # multiprocessing's own Process: at its end, Python waits for those, also after a person broke off.
        pipe, theirs = Pipe()
        with theirs:
            member = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )  # fmt: skip
        self._members.append((member, pipe))
        with suppress(OSError):  # it is gone already, having said why on stderr
            pipe.send(self._orders)

    def dismiss(self, *, wait: float = 0.0) -> None:
        """Ask all of them to stop, and wait at most so many seconds until each knows; its work may take longer."""
        with self._lock:
            self._dismissed = True
            for _, pipe in self._members:
                with suppress(OSError):
                    pipe.send(None)
        deadline = time.monotonic() + wait
        for _, pipe in self._members:
            pipe.poll(max(0.0, deadline - time.monotonic()))  # it closes when the process knows, or is no more

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        # A person who breaks off will not wait; the processes still come to their own end.
        for member, _ in self._members if kind is not KeyboardInterrupt else ():
            member.wait()


def main() -> None:
    """Live as one of the further processes."""
    atexit.register(gc.freeze)  # as in commands/main.py: the first process waits until the others have ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first_process = Connection(sys.stdin.fileno())
    settings, work, arguments = first_process.recv()
    stop = StopFlag()
    threading.Thread(target=_await_dismissal, args=(first_process, stop), daemon=True).start()
    clock.use_zone(settings.time_zone)
    database = Database(settings)
    try:
        with set_by_signals(stop, signal.SIGTERM), ending_in_time(stop):
            work(database, stop, *arguments)
    finally:
        database.close()


def _await_dismissal(first_process: Connection, stop: StopFlag) -> None:
    with suppress(EOFError, OSError):  # it died
        first_process.recv()
    stop.set()
    first_process.close()


def shown_program() -> str:
    """Return how a person types `daisychain` in this folder, whether or not its environment is activated."""
    path = str(Path(sys.executable).with_name("daisychain"))
    return shlex.quote(min(path, os.path.relpath(path), key=len))


if __name__ == "__main__":
    main()
