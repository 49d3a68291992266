"""A sender that lives to be killed: forked from a process that has everything imported, so that hundreds can die."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess

from daisychain.database import Database
from daisychain.settings import Settings
from sender import sending

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.sender.mortal", "sender.providers.sendgrid", "sender.events"])


def born(settings: Settings, campaign_id: int) -> BaseProcess:
    """A process that sends the campaign, freezing it first where that is still to be done."""
    process = _context.Process(target=_send, args=(settings, campaign_id), daemon=True)
    process.start()
    return process


def _send(settings: Settings, campaign_id: int) -> None:
    database = Database(settings)
    sending.start(database, campaign_id)
    sending.work_until_over(database, campaign_id)
