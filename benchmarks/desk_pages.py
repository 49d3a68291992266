"""Every page of the desk by every role, with 1,000,000 members and 500 campaigns: time, bytes, queries."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, text

from accounts.rights import NEEDS_SECOND_FACTOR, ROLES
from benchmarks.large_house import CAMPAIGNS, PEOPLE, LargeHouse, fill
from benchmarks.stage import Figure, house, written
from daisychain.database import Database
from desk.app import create_desk
from tests.desk.every_page import There, every_page
from tests.desk.staff import Browser, make_account, sign_in

TIMES = 5
# Files to take away are no pages; the log is 100,000 lines of them.
FILES = ("audit.download", "reports.download", "report_files.file")
TO_REACH = "0.1 s, 50 KB"


@dataclass(frozen=True)
class Opened:
    """A page as one role was shown it; `seconds` are of each time after the first."""

    endpoint: str
    path: str
    role: str
    status: int
    size: int
    queries: int
    first: float
    seconds: list[float]
    cpu: list[float]  # of this process and the database's, each time; others may have the cores meanwhile

    @property
    def middle(self) -> float:
        """The usual time."""
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        """The longest time, but for the first."""
        return max(self.seconds)


def main(people: int = PEOPLE, campaigns: int = CAMPAIGNS) -> list[Figure]:
    """Open all of them; the figure of a page is that of the role which waits longest."""
    with house("pages", provider="smtp", smtp_url="smtp://127.0.0.1:2525") as database:
        opened = open_all(database, fill(database, people, campaigns))
    by_page: dict[str, list[Opened]] = {}
    for each in opened:
        by_page.setdefault(each.path, []).append(each)
    figures = []
    for same in sorted(by_page.values(), key=lambda same: -max(each.middle for each in same)):
        slowest = max(same, key=lambda each: each.middle)
        step = (
            f"{slowest.path} as {slowest.role}: {slowest.size / 1000:.0f} KB, {slowest.queries} queries, "
            f"worst {slowest.worst * 1000:.0f} ms, first {slowest.first * 1000:.0f} ms"
        )
        figures.append(Figure(step, 1, slowest.middle, TO_REACH, cpu_seconds=statistics.median(slowest.cpu)))
    written("desk_pages", figures)
    return figures


def open_all(database: Database, large: LargeHouse) -> list[Opened]:
    """Open each page by each role that may see it."""
    app, found = create_desk(database), []
    for role in ROLES:
        browser, account_id = Browser(app), 0
        account_id, secret = make_account(database, role, factor=role in NEEDS_SECOND_FACTOR)
        assert sign_in(database, browser, account_id, secret).status_code == 200
        for endpoint, path in every_page(app, there(large, account_id)):
            if endpoint in FILES:
                continue
            opened = _open(app, database.engine, browser, endpoint, path, role)
            if opened.status == 200:
                found.append(opened)
    return found


OF_A_TOOLKIT = ("toolkits.show", "adoption.show", "adoption.download")


def there(large: LargeHouse, account_id: int) -> There:
    """Say what the pages are about."""
    paused: dict[str, object] = {"campaign_id": large.paused}
    return There(
        {
            "campaign_id": large.campaign, "newsletter_id": large.newsletter.id, "account_id": account_id,
            "save_id": large.newsletter.id, "name": "everybody", "token": "x", "number": 1, "organisation_id": 1,
            "hand_out_id": 1, "contact_id": 1, "draft_id": 1, "step": "columns", "member_id": 1,
            "toolkit": "community-makes-us", "block_id": "small-acts", "picture": "hero", "version_id": 1,
            "width": "wide", "chart": "ledger", "kind": "html", "segment": "north", "what": "words", "kept_as": 1,
        },
        {
            **{page: {"name": "community-makes-us"} for page in OF_A_TOOLKIT},
            "steering.ask_to_resume": paused, "steering.ask_to_cancel": paused,
            "steering.ask_when": {"campaign_id": large.scheduled},
            "versions.show": {"save_id": large.save},
        },
    )  # fmt: skip


def _open(app: Flask, engine: Engine, browser: Browser, endpoint: str, path: str, role: str) -> Opened:
    taken, work = [], []
    for _ in range(TIMES + 1):
        with counted(engine) as queries:
            began, used = time.perf_counter(), _cpu_seconds(engine)
            answer: Any = browser.client.get(path)
            taken.append(time.perf_counter() - began)
            work.append(_cpu_seconds(engine) - used)
    assert answer.status_code < 500, (path, answer.text)
    return Opened(
        endpoint, path, role, answer.status_code, len(answer.data), len(queries), taken[0], taken[1:], work[1:]
    )


def _cpu_seconds(engine: Engine) -> float:
    """Return the CPU time so far of this process and its connections' (the first number of a schedstat, in ns)."""
    with engine.connect() as connection:
        backends = connection.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")).all()
    theirs = (Path(f"/proc/{pid}/schedstat") for pid in backends)
    return time.process_time() + sum(int(path.read_text().split()[0]) for path in theirs if path.exists()) / 1e9


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Yield the statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
