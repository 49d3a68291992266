"""Forty people make an email their own at once: previews while they type, then a pack each, from a real server."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks.stage import Figure, house, written
from newsletters.compose.starter import start_newsletter
from newsletters.documents.document import read_document
from newsletters.packs.edition import Choices, open_edition
from newsletters.packs.offers import offer
from newsletters.toolkit_store.store import shipped_toolkit
from pages.app import create_app
from tests.desk.chromium import served

PEOPLE, CHANGES = 40, 5
# Somebody who types stops now and then: a preview is asked for no more often than this.
PAUSE = 2.0
TOOLKIT = "community-makes-us"
PAGE = f"/toolkits/{TOOLKIT}/emails/bulletin"


def main() -> list[Figure]:
    """Measure one person, then all at once; the times are medians, with the slowest of twenty beside them."""
    with house("own-emails") as database, served(create_app(database)) as url:
        kit = shipped_toolkit(TOOLKIT)
        path = database.settings.home / "bulletin.md"
        start_newsletter(path, kit, TOOLKIT, "bulletin")
        edition = open_edition(read_document(path), kit, Choices(database.settings.pages_url))
        with database.engine.begin() as connection:
            offer(connection, edition, edition)
        urlopen(url + PAGE).read()  # noqa: S310 - our own server
        figures = [_figure("one person", *_person(url, 0, pause=0))]
        with ThreadPoolExecutor(PEOPLE) as people:
            found = list(people.map(lambda number: _person(url, number, pause=PAUSE), range(PEOPLE)))
        previews = [seconds for each, _ in found for seconds in each]
        figures.append(_figure(f"{PEOPLE} people", previews, [seconds for _, packs in found for seconds in packs]))
    written("own_emails", figures)
    return figures


def _person(url: str, number: int, *, pause: float) -> tuple[list[float], list[float]]:
    """Return the seconds of each preview, and of the pack."""
    typed = {"name": f"Bees {number}", "accent": "#7a1f5c", "address": "2 Hive Lane, Bath"}
    previews = []
    for change in range(CHANGES):
        time.sleep(pause * (number % 10 / 10 if change == 0 else 1))
        previews.append(_asked(f"{url}{PAGE}/preview", typed | {"intro": f"We look after bees. {change}"}))
    return previews, [_asked(f"{url}{PAGE}/take", typed | {"take": "mailchimp"})]


def _asked(url: str, typed: dict[str, str]) -> float:
    began = time.perf_counter()
    urlopen(url, urlencode(typed).encode()).read()  # noqa: S310 - our own server
    return time.perf_counter() - began


def _figure(who: str, previews: list[float], packs: list[float]) -> Figure:
    slow = sorted(previews)[int(len(previews) * 0.95)]
    step = f"{who}: preview {statistics.median(previews):.2f} s (slowest of twenty {slow:.2f} s)"
    return Figure(f"{step}; pack {statistics.median(packs):.2f} s (slowest {max(packs):.2f} s)", 1, max(packs), "1 s")
