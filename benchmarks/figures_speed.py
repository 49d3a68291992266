"""The figures and the status of a campaign of 1,000,000 people, at rest and while another one like it is sent."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable

from sqlalchemy import Connection, event, select, text

from benchmarks import classification
from benchmarks.sink import accepting
from benchmarks.stage import Figure, draft, house, written
from daisychain.database import Database
from daisychain.settings import Settings
from reports.figures import figures
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
    """Return the usual time of each in the database: the middle of several sums of its statements."""
    taken: list[float] = []
    began = 0.0

    def before(*_: object) -> None:
        nonlocal began
        began = time.perf_counter()

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", lambda *_: taken.append(time.perf_counter() - began))
    found = []
    for name, read in READS.items():
        seconds = []
        for _ in range(TIMES):
            taken.clear()
            with database.engine.connect() as connection:
                read(connection, campaign_id)
            seconds.append(sum(taken))
        figure = Figure(f"{name} {when}, in the database", 1, statistics.median(seconds), "0.05 s for 1,000,000")
        found.append(figure)
    return found
