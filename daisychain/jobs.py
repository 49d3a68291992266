"""The Procrastinate app, deferring within a transaction, and running workers. Tasks live in their rooms.

Jobs carry ids only; the tables are the truth. The app itself is never opened, so that tasks can be deferred
synchronously on the caller's own connection: a job is committed, or rolled back, with the rows it is about.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

import procrastinate
from procrastinate.tasks import Task
from sqlalchemy import Connection, text

from daisychain.errors import DatabaseError

if TYPE_CHECKING:
    import psycopg

    from daisychain.database import Database

app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
# Procrastinate logs every job's arguments at INFO; ours are ids, but a line a batch is noise.
logging.getLogger("procrastinate").setLevel(logging.WARNING)

# Above the batches' 0: events hold the figures that stop a campaign, and chores tell people. Both are short, and a
# large campaign's jobs would keep them waiting for hours.
BEFORE_BATCHES = 10

# How many times the slots that it begins with a process may use (`Workers.resize`).
MOST_TIMES = 3
POLL_SECONDS = 1.0
PATIENCE = 3.0
HEARTBEAT = 3.0

# A job `j` that a living worker has in hand. A killed worker's job stays `doing`; Procrastinate never runs it again.
IN_HAND = """
    j.status = 'doing' AND EXISTS (
        SELECT 1 FROM procrastinate_workers w
        WHERE w.id = j.worker_id AND w.last_heartbeat > now() - interval '10 seconds')
"""
# Procrastinate removes workers that died only when another one starts, and their jobs never.
_DEAD = text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND coalesce(w.last_heartbeat < now() - interval '1 minute', true)
        FOR UPDATE OF j SKIP LOCKED)
""")


def defer(
    connection: Connection,
    task: Task[Any, Any, Any],
    jobs: Iterable[Mapping[str, Any]],
    *,
    queue: str,
    at: datetime | None = None,
    priority: int | None = None,
) -> None:
    """Defer one job of `task` for each mapping of arguments, in the caller's transaction; due at `at` or now.

    Jobs of a higher `priority` are taken first; by default it is the task's own.
    """
    arguments = [dict(job) for job in jobs]
    if arguments:
        raw = connection.connection.driver_connection
        task.configure(connection=raw, queue=queue, schedule_at=at, priority=priority).batch_defer(*arguments)


def remove_dead_jobs(connection: Connection) -> int:
    """Remove the jobs that dead workers had in hand, in the caller's transaction; returns how many.

    The tables say what is still to be done: a batch or body without a job gets another one.
    """
    return connection.execute(_DEAD).rowcount


class Workers:
    """Job slots in a thread of this process, for as long as the context lasts; leaving it lets running jobs finish.

    Tasks find the database in `context.additional_context["database"]`, these slots in "workers", and whatever else
    `extras` holds.
    """

    def __init__(
        self,
        database: Database,
        *,
        queues: list[str] | None = None,
        concurrency: int = 4,
        until_idle: bool = False,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        self._database = database
        # Left out means all queues; Procrastinate's types know no None. It reads the list each time that it looks for a
        # job, so that the caller may change it.
        self._only: dict[str, Any] = {} if queues is None else {"queues": queues}
        self._concurrency = concurrency
        self._until_idle = until_idle
        self._extras = dict(extras or {})
        self._thread = threading.Thread(target=self._run, name="daisychain-workers", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        # Further slots: those at work, and those that take no further job.
        self._further: list[asyncio.Task[None]] = []
        self._leaving: list[asyncio.Task[None]] = []
        self._ended = False
        self._ready = threading.Event()
        self.error: BaseException | None = None

    def __enter__(self) -> Workers:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the slots are still at work; False after an error, or once idle if that was asked for."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take no further job, let those that run finish, and wait for it; raises what the worker died of."""
        if self._loop is not None and self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
        self.wait()

    def resize(self, times: int) -> None:
        """Use `times` as many slots as at first, at most MOST_TIMES; what a slot has in hand is finished. For jobs."""
        if self._loop is not None and not self._until_idle and times != 1 + len(self._further):
            self._loop.call_soon_threadsafe(self._resize, min(times, MOST_TIMES))

    def wait(self) -> None:
        """Wait until the slots have ended, by themselves once idle if that was asked for; raises as `stop` does."""
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
            if not self._until_idle:  # Procrastinate ends so, with a line in the log, when it can't listen any more
                self.error = DatabaseError("The job slots lost the database.", hint="Start again when it is back.")
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._ready.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        # The default pool may be smaller than the concurrency asked for; then some slots would stand idle.
        self._loop.set_default_executor(ThreadPoolExecutor(self._concurrency * MOST_TIMES + 2))
        # A database that went away is given this long to come back, in seconds; then it is an error.
        connector = procrastinate.PsycopgConnector(
            conninfo=self._database.conninfo, min_size=1, max_size=4, timeout=PATIENCE, reconnect_timeout=PATIENCE,
            configure=self._begin_session,
        )  # fmt: skip
        self._app = app.with_connector(connector)
        async with self._app.open_async():
            self._ready.set()
            try:
                await self._run_slots(listen_notify=True)
            finally:
                self._ended = True
                self._resize(1)
                await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _run_slots(self, *, listen_notify: bool) -> None:
        await self._app.run_worker_async(
            **self._only,
            concurrency=self._concurrency,
            wait=not self._until_idle,
            install_signal_handlers=False,
            listen_notify=listen_notify,
            delete_jobs="successful",
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=HEARTBEAT,
            additional_context={"database": self._database, "workers": self, **self._extras},
        )

    def _resize(self, times: int) -> None:
        assert self._loop is not None
        while len(self._further) + 1 < times and not self._ended:
            # One connection listens for new jobs; the further slots look for them when they have finished one.
            self._further.append(self._loop.create_task(self._run_slots(listen_notify=False)))
        while len(self._further) + 1 > times:
            self._leaving.append(self._further.pop())
            self._leaving[-1].cancel()

    def _cancel(self) -> None:
        assert self._task is not None
        self._ended = True
        self._resize(1)
        self._task.cancel()

    async def _begin_session(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(self._database.session.encode())
        await connection.commit()
