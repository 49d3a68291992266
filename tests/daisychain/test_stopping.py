"""Stopping: a signal sets a flag without blocking anybody, and the other processes know before it is announced."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from daisychain import processes
from daisychain.database import Database
from daisychain.processes import Processes, StopFlag, set_by_signals
from daisychain.settings import Settings
from tests.command import ROOT

# The main thread takes and gives back the lock of the flag as often as it can, while signals arrive.
SIGNALLED = """
import os, signal, sys, threading
from daisychain.processes import StopFlag, set_by_signals
for number in range(100):
    stop = StopFlag()
    with set_by_signals(stop):
        threading.Timer(0.001 * (number % 10), os.kill, (os.getpid(), signal.SIGTERM)).start()
        while not stop.wait(0):
            pass
"""


# A main thread that hangs, in a process that was asked to stop.
HANGING = """
import os, signal, threading
from daisychain import processes
processes.STOP_WITHIN = 0.1
stop = processes.StopFlag()
with processes.set_by_signals(stop), processes.ending_in_time(stop):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()
"""


def note_stop(database: Database, stop: StopFlag, folder: Path) -> None:
    """Wait for the flag, and leave a file."""
    stop.wait()
    (folder / "ended").touch()


@pytest.mark.processes
def test_signals_never_block_a_main_thread_that_waits_for_the_flag() -> None:
    subprocess.run([sys.executable, "-c", SIGNALLED], check=True, timeout=120, cwd=ROOT)


@pytest.mark.processes
def test_a_process_that_hangs_ends_some_time_after_it_was_asked_to() -> None:
    hanging = subprocess.run([sys.executable, "-c", HANGING], check=False, timeout=120, cwd=ROOT)
    assert hanging.returncode == 1


def test_a_process_that_came_to_its_own_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_WITHIN", 0.05)
    ended, stop = threading.Event(), StopFlag()
    monkeypatch.setattr(processes.os, "_exit", lambda code: ended.set())
    with processes.ending_in_time(stop):
        stop.set()
    assert not ended.wait(0.2)


def test_callbacks_run_once_and_at_once_if_they_come_late() -> None:
    stop, called = StopFlag(), []
    stop.on_set(lambda: called.append("early"))
    assert called == []
    stop.set()
    stop.set()
    stop.on_set(lambda: called.append("late"))
    assert called == ["early", "late"]


def test_what_follows_a_signal_comes_after_the_callbacks_and_the_handlers_are_restored() -> None:
    before, happened, stop = signal.getsignal(signal.SIGTERM), [], StopFlag()
    stop.on_set(lambda: happened.append("callback"))
    with set_by_signals(stop, then=lambda: happened.append("then")):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(60)
    assert happened == ["callback", "then"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_ctrl_c_breaks_off_if_asked_for(request: pytest.FixtureRequest) -> None:
    stop = StopFlag()
    # A run in the background of a shell is started with SIGINT ignored.
    request.addfinalizer(partial(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT)))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), set_by_signals(stop, second_breaks_off=True):  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        assert stop.wait(60)
        signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_no_handler_is_touched() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def look() -> None:
        with set_by_signals(StopFlag()):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]


@pytest.mark.processes
def test_every_other_process_knows_before_dismissal_returns_and_none_is_started_after_it(tmp_path: Path) -> None:
    with Processes(Settings(home=tmp_path / "home"), note_stop, tmp_path) as others:
        others.grow(1)
        others.dismiss(wait=120)
        assert others._members[0][1].poll()
        others.grow(2)
        assert len(others._members) == 1
    assert (tmp_path / "ended").exists()
