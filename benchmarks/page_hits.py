"""Measures our CPU and PostgreSQL's for one pixel, click and one-click unsubscribe, through the pages."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from flask import Flask
from sqlalchemy import insert, update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from benchmarks.stage import Figure, house, server_seconds, written
from daisychain.database import Database
from pages.app import create_app
from sender.links.keys import KeyKind
from sender.links.reader_groups import RANDOM_BITS
from sender.tables import Campaign, ReaderGroup
from tests.sender.returns import FIREFOX, Sent, resent, sent

PEOPLE = 3_000
FORM = "application/x-www-form-urlencoded"


def main(people: int = PEOPLE) -> list[Figure]:
    """Let everybody's mail be opened, clicked and left, once each."""
    with house("page-hits") as database:
        campaign = sent(database, people=people)
        counted = _counted(database, campaign, people)
        app = create_app(database)
        names = random.Random(7).sample(campaign.deliveries, k=people)
        pixels, links, leaving = (
            campaign.keys.make(kind, names) for kind in (KeyKind.PIXEL, KeyKind.CLICK, KeyKind.UNSUBSCRIBE)
        )
        own, unnamed = (campaign.keys.make(kind, counted) for kind in (KeyKind.PIXEL, KeyKind.CLICK))
        figures = [
            _measured(database, app, "pixel", "0.4 ms", [f"/o/{key}.gif" for key in pixels]),
            _measured(database, app, "pixel, counted without persons", "0.4 ms", [f"/o/{key}.gif" for key in own]),
            _measured(database, app, "click", "1 ms", [f"/c/{key}/0" for key in links]),
            _measured(database, app, "click, counted without persons", "1 ms", [f"/c/{key}/0" for key in unnamed]),
            _measured(database, app, "one-click unsubscribe", "2 ms", [f"/u/{key}" for key in leaving], leave=True),
        ]
    written("page_hits", figures)
    return figures


def _counted(database: Database, campaign: Sent, people: int) -> list[int]:
    """Make a campaign that is counted without persons; return a reader for each of its people."""
    with database.engine.begin() as connection:
        other = resent(database, connection, campaign.list_id, campaign.members[:1])
        change = update(Campaign).where(Campaign.id == other.campaign_id).values(tracking="counted")
        compiled_id = connection.execute(change.returning(Campaign.compiled_id)).scalar_one()
        row = {"campaign_id": other.campaign_id, "compiled_id": compiled_id, "mailbox": "Gmail", "people": people}
        group = connection.execute(insert(ReaderGroup).values(row).returning(ReaderGroup.id)).scalar_one()
    return [-(group << RANDOM_BITS | number) for number in random.Random(7).sample(range(1 << RANDOM_BITS), k=people)]


def _measured(
    database: Database, app: Flask, step: str, to_reach: str, paths: Sequence[str], *, leave: bool = False
) -> Figure:
    ask = _asking(app, leave)
    for path in paths[:100]:
        ask(path)
    _flush(app)
    theirs, ours, began = server_seconds(database), time.process_time(), time.perf_counter()
    for path in paths[100:]:
        ask(path)
    _flush(app)
    seconds = time.perf_counter() - began
    ours, theirs = time.process_time() - ours, server_seconds(database) - theirs
    count = len(paths) - 100
    each = f"{ours / count * 1000:.2f} ms ours, {theirs / count * 1000:.2f} ms PostgreSQL's"
    return Figure(f"{step}: {each}", count, seconds, to_reach, cpu_seconds=ours + theirs)


def _asking(app: Flask, leave: bool) -> Callable[[str], None]:
    method, body = ("POST", {"List-Unsubscribe": "One-Click"}) if leave else ("GET", None)

    def ask(path: str) -> None:
        environ = EnvironBuilder(path, method=method, data=body, headers={"User-Agent": FIREFOX}).get_environ()
        environ["REMOTE_ADDR"] = "203.0.113.77"
        _, status, _ = run_wsgi_app(app.wsgi_app, environ, buffered=True)
        assert status[0] in "23", status

    return ask


def _flush(app: Flask) -> None:
    if hits := app.extensions.get("daisychain.hits"):
        hits.flush()


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
