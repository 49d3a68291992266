"""Processes that live to be killed: forked from one that has everything imported, so that hundreds can die."""

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
    """A process that sends the campaign, with others of its own; it freezes it where that is still to be done."""
    process = _context.Process(target=_send, args=(settings, campaign_id, processes), daemon=True)
    process.start()
    return process


def employed(settings: Settings) -> BaseProcess:
    """A process that does what `daisychain worker` does, on two slots, and looks for the dead more often."""
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
