"""The front door for work: delivers campaigns and processes webhooks, on as many machines as wanted."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from daisychain.console import Desk, pass_desk, say
from daisychain.crew import Crew, cores
from daisychain.database import Database
from daisychain.errors import DaisychainError
from daisychain.jobs import Workers
from daisychain.logs import log_to_stderr

SWEEP_SECONDS, GLANCE = 5.0, 0.2
log = logging.getLogger("daisychain.worker")


@contextmanager
def at_work(database: Database, *, concurrency: int, until_idle: bool = False) -> Iterator[Workers]:
    """Work all queues and sweep, for as long as the context lasts; leaving it finishes what is in flight."""
    # The rooms whose tasks a worker must know.
    import sender.chores
    import sender.events
    import sender.tasks  # noqa: F401
    from sender.delivery import Deliverer
    from sender.senders import LiveSender

    # A fresh home gets its tables, and a database that does not fit is refused, before anything works on it.
    database.engine.connect().close()
    with LiveSender(database) as sender_:
        _sweep(database)
        workers = Workers(
            database, concurrency=concurrency, until_idle=until_idle, extras={"deliverer": Deliverer(database, sender_)}
        )
        over = threading.Event()
        sweeper = threading.Thread(target=_sweep_on, args=(database, over), name="daisychain-sweep", daemon=True)
        with workers:
            sweeper.start()
            try:
                yield workers
            finally:
                over.set()
                sweeper.join()


def _sweep(database: Database) -> None:
    from sender.sweep import sweep

    with database.engine.begin() as connection:
        sweep(connection, database.settings)


def _sweep_on(database: Database, over: threading.Event) -> None:
    while not over.wait(SWEEP_SECONDS):
        try:
            _sweep(database)
        except Exception:
            # The database may be away for a while; the next sweep makes up for this one.
            log.exception("the sweep failed")


def help_out(database: Database, stop: threading.Event, concurrency: int, until_idle: bool) -> None:
    """Work beside the process that was started by a person, until `stop`."""
    log_to_stderr(database.settings.log_format)
    with at_work(database, concurrency=concurrency, until_idle=until_idle) as workers:
        while workers.running and not stop.wait(GLANCE):
            pass


@click.command()
@click.option("--until-idle", is_flag=True, help="End when no job is left.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Jobs at once in each process."
)
@click.option("--processes", type=click.IntRange(1, 64), help="Default: one a core; with --until-idle, one.")
@pass_desk
def worker(desk: Desk, until_idle: bool, concurrency: int, processes: int | None) -> None:
    """Deliver campaigns and process webhooks on this machine, without pages.

    SIGTERM and Ctrl-C let the batches in flight finish first.
    """
    log_to_stderr(desk.settings.log_format)
    over = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with (
        Crew(desk.settings, help_out, concurrency, until_idle) as crew,
        at_work(desk.database, concurrency=concurrency, until_idle=until_idle) as workers,
    ):
        crew.grow((processes or (1 if until_idle else cores())) - 1)
        say("At work. Ctrl-C stops after the batches in flight.")
        while workers.running and not over.wait(GLANCE):
            pass
        crew.dismiss()  # now, so that all stop at once
        if workers.error is not None:
            raise DaisychainError(f"The worker broke off: {workers.error}")
