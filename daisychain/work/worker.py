"""The front door for work: delivers campaigns and processes webhooks, on as many machines as wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import partial

from daisychain.database import Database
from daisychain.errors import DaisychainError
from daisychain.installation import Installation
from daisychain.jobs import Workers
from daisychain.logs import log_to_stderr
from daisychain.processes import TOLD_WITHIN, Processes, StopFlag, cores, ending_in_time, set_by_signals

SWEEP_SECONDS, GLANCE = 5.0, 0.2
CHORE_SLOTS = 2
log = logging.getLogger("daisychain.worker")


@contextmanager
def at_work(
    database: Database,
    *,
    concurrency: int,
    until_idle: bool = False,
    stop: StopFlag | None = None,
    chore_slots: int = CHORE_SLOTS,
) -> Iterator[Workers]:
    """Work all queues and sweep, for as long as the context lasts; leaving it finishes what is in flight.

    No batch is claimed once `stop` is set. The chores have slots of their own too, so that batches that hang hold up
    neither alerts nor look-ups.
    """
    # The modules whose tasks a worker must know.
    import daisychain.operations.examination  # noqa: F401
    import reports.trend  # noqa: F401
    import sender.upkeep.import_jobs
    import sender.upkeep.list_counts  # noqa: F401
    from partners.hand_out_links import hand_out_links
    from partners.taken_packs import drop_mailed_packs
    from reports.document.due_charts import draw_due
    from reports.handed_on.report_mails import mail_due_reports
    from sender.delivery import readiness
    from sender.delivery.deliver import Deliverer
    from sender.delivery.senders import LiveSender
    from sender.upkeep import chores

    # Of rooms above the sender.
    chores.CHORES.setdefault("report charts", (timedelta(minutes=1), draw_due))
    chores.CHORES.setdefault("report mails", (timedelta(minutes=1), mail_due_reports))
    chores.CHORES.setdefault("mailed packs", (timedelta(days=1), drop_mailed_packs))
    database.for_work()
    # A fresh home gets its tables, and a database that does not fit is refused, before anything works on it.
    with database.engine.begin() as connection:
        lacks = readiness.lacking(connection, database.settings)
        wanted = readiness.wanted(connection, database.settings)
    for name in sorted(lacks.keys() & wanted):
        log.warning("nothing is sent through %s from here: %s", name, lacks[name])
    with LiveSender(database, lacks, chores=chore_slots > 0) as sender_:
        queues: list[str] = []
        _try_to_sweep(database, lacks, queues)
        extras = {"deliverer": Deliverer(database, sender_, stop, hand_out_links)}
        only = queues if lacks else None
        workers = Workers(database, queues=only, concurrency=concurrency, until_idle=until_idle, extras=extras)
        own = Workers(database, queues=[chores.QUEUE], concurrency=chore_slots) if chore_slots else nullcontext()
        over = threading.Event()
        sweeper = threading.Thread(target=_sweep_on, args=(over, database, lacks, queues), daemon=True)
        with own, workers:
            sweeper.start()
            try:
                yield workers
            finally:
                over.set()
                sweeper.join()


def _sweep(database: Database, lacks: Collection[str], queues: list[str]) -> None:
    """Sweep, and let `queues` hold what this process can work on, which campaigns that begin or end change."""
    from sender.delivery.batch_jobs import queues_without
    from sender.upkeep.sweep import sweep

    with database.engine.begin() as connection:
        queues[:] = queues_without(connection, lacks)
        sweep(connection, database.settings)


def _sweep_on(over: threading.Event, database: Database, lacks: Collection[str], queues: list[str]) -> None:
    while not over.wait(SWEEP_SECONDS):
        _try_to_sweep(database, lacks, queues)


def _try_to_sweep(database: Database, lacks: Collection[str], queues: list[str]) -> None:
    try:
        _sweep(database, lacks, queues)
    except Exception:
        # The database may be away for a while, or locked; the next sweep makes up for this one.
        log.exception("the sweep failed")


def help_out(database: Database, stop: StopFlag, concurrency: int, until_idle: bool) -> None:
    """Work beside the process that was started by a person, until `stop`."""
    log_to_stderr(database.settings.log_format)
    slots = {"concurrency": concurrency, "chore_slots": 0}
    with at_work(database, until_idle=until_idle, stop=stop, **slots) as workers:
        while workers.running and not stop.wait(GLANCE):
            pass


def work(
    installation: Installation,
    *,
    until_idle: bool,
    concurrency: int,
    processes: int | None,
    announce: Callable[[str], None],
) -> None:
    """Work all queues until SIGTERM or Ctrl-C, or until no job is left; raises DaisychainError if the slots fail."""
    log_to_stderr(installation.settings.log_format)
    stop = StopFlag()
    with (
        set_by_signals(stop),
        ending_in_time(stop),
        Processes(installation.settings, help_out, concurrency, until_idle) as others,
        at_work(
            installation.database, concurrency=concurrency, until_idle=until_idle, stop=stop,
            chore_slots=0 if until_idle else CHORE_SLOTS,
        ) as workers,
    ):  # fmt: skip
        stop.on_set(partial(others.dismiss, wait=TOLD_WITHIN))
        others.grow((processes or (1 if until_idle else cores())) - 1)
        announce("At work. Ctrl-C stops after the batches in flight.")
        while workers.running and not stop.wait(GLANCE):
            pass
        others.dismiss()  # now, so that all stop at once
        if workers.error is not None:
            raise DaisychainError(f"The worker broke off: {workers.error}")
