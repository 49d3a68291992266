"""The figures and the status of a campaign of 1,000,000 people, at rest and while another one like it is sent."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, event, select, text

from benchmarks import classification
from benchmarks.sink import accepting
from benchmarks.stage import Figure, draft, house, written
from daisychain.database import Database
from daisychain.settings import Settings
from reports.whole_report import figures
from sender.campaigns.status import campaign_status
from sender.events.classify import classify_campaign
from sender.events.sum_check import check_sums
from sender.tables import Attempt
from sender.upkeep import foreground

PEOPLE = 1_000_000
TIMES = 9
READS: dict[str, Callable[[Connection, int], object]] = {"figures": figures, "status": campaign_status}


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once; the figures are what docs/scaling.md quotes."""
    with (
        accepting() as host,
        house("figures", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        first = classification.stage(database, people)
        classify_campaign(database, first)
        check_sums(database)
        found = _read(database, first, "at rest")
        second = draft(database, "everybody", "sendgrid")
        sending = multiprocessing.get_context("spawn").Process(target=_send, args=(database.settings, second))
        sending.start()
        _until_half_sent(database, second, people)
        found += _read(database, second, "while it is sent")
        sending.join()
        assert sending.exitcode == 0
    written("figures_speed", found)
    return found


def _send(settings: Settings, campaign_id: int) -> None:
    database = Database(settings)
    try:
        foreground.start(database, campaign_id)
        assert foreground.work_until_over(database, campaign_id) == "finished"
    finally:
        database.close()


def _until_half_sent(database: Database, campaign_id: int, people: int) -> None:
    started = select(text("coalesce(sum(people), 0)")).select_from(Attempt).where(Attempt.campaign_id == campaign_id)
    while True:
        with database.engine.connect() as connection:
            if connection.execute(started).scalar_one() >= people // 2:
                return
        time.sleep(0.5)


def _read(database: Database, campaign_id: int, when: str) -> list[Figure]:
    """Return the usual time and CPU of each in the database: the middle of several."""
    found = []
    for name, read in READS.items():
        seconds, cpu = [], []
        for _ in range(TIMES):
            with database.engine.connect() as connection, _statements(connection) as taken:
                server = connection.scalar(text("SELECT pg_backend_pid()"))
                connection.rollback()
                taken.clear()
                used = _cpu_seconds(server)
                read(connection, campaign_id)
                cpu.append(_cpu_seconds(server) - used)
                seconds.append(sum(taken))
        middle, work = statistics.median(seconds), statistics.median(cpu)
        found.append(Figure(f"{name} {when}, in the database", 1, middle, "0.05 s for 1,000,000", cpu_seconds=work))
    return found


@contextmanager
def _statements(connection: Connection) -> Iterator[list[float]]:
    """Yield how long each statement of a connection takes; others' processes may have the cores meanwhile."""
    taken, began = [], [0.0]
    listeners = {
        "before_cursor_execute": lambda *_: began.append(time.perf_counter()),
        "after_cursor_execute": lambda *_: taken.append(time.perf_counter() - began[-1]),
    }
    for name, listener in listeners.items():
        event.listen(connection, name, listener)
    yield taken


def _cpu_seconds(pid: int | None) -> float:
    """Return the CPU time of a process so far (the first number of its schedstat, in nanoseconds)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
