"""Processes for the kill tests, forked from one with all imports, so that hundreds start quickly."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.process import BaseProcess

from daisychain.database import Database
from daisychain.settings import Settings
from daisychain.work import worker
from sender.upkeep import foreground

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.sender.mortal", "sender.providers.sendgrid", "sender.events.intake"])


def born(settings: Settings, campaign_id: int, *, processes: int = 1) -> BaseProcess:
    """Start a process that sends the campaign, with its own helper processes; it freezes a draft first."""
    process = _context.Process(target=_send, args=(settings, campaign_id, processes), daemon=True)
    process.start()
    return process


def employed(settings: Settings) -> BaseProcess:
    """Start a process that works like `daisychain worker`, with two threads and more frequent sweeps."""
    process = _context.Process(target=_work, args=(settings,), daemon=True)
    process.start()
    return process


def _work(settings: Settings) -> None:
    worker.SWEEP_SECONDS = 0.2
    with worker.at_work(Database(settings), concurrency=2) as workers:
        while workers.running:
            time.sleep(0.05)


def _send(settings: Settings, campaign_id: int, processes: int) -> None:
    database = Database(settings)
    foreground.start(database, campaign_id)
    foreground.work_until_over(database, campaign_id, processes=processes)
