"""Ten people at the desk, 100 tracked hits a second and a send of 1,000 people a second, all at once on one `serve`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

from sqlalchemy import select, text, update

from accounts.rights import NEEDS_SECOND_FACTOR, ROLES
from benchmarks.desk_pages import FILES, there
from benchmarks.large_house import CAMPAIGNS, PEOPLE, LargeHouse, fill
from benchmarks.sink import accepting
from benchmarks.stage import Figure, draft, house, written
from daisychain.database import Database
from daisychain.secret import installation_secret
from desk.app import create_desk
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.plans import Plan
from sender.launching.schedule import keep_plan
from sender.links.keys import KeyKind, Keys
from sender.tables import Attempt, Campaign, CampaignIntake
from sender.upkeep import foreground
from tests.command import environment
from tests.desk.every_page import PagePath, every_page
from tests.desk.staff import Browser, make_account, sign_in

HITS, PEOPLE_A_SECOND, AT_THE_DESK = 100, 1_000, 10
SECONDS = 60
# A person reads a page for some seconds; one who follows a campaign has its page asked for every two seconds.
THINK, FOLLOW = 3.0, 2.0
FOLLOWERS = 3
LEAK_PAGES = 1_000
HOST = "news.coalition.org"
Ask = Callable[[str], Awaitable[int]]


def main(people: int = PEOPLE, campaigns: int = CAMPAIGNS) -> list[Figure]:
    """Measure the 99th percentiles while all of it happens, and the memory of the pages after 1,000 of them."""
    with (
        accepting() as sink,
        house("load", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=sink) as database,
    ):
        figures = measure(database, fill(database, people, campaigns))
    written("desk_load", figures)
    return figures


def measure(database: Database, large: LargeHouse, seconds: float = SECONDS) -> list[Figure]:
    """Serve, let everybody come, and ask the database how many people were mailed meanwhile."""
    cookies, paths = _staff(database, large)
    hits = _hits(database, large)
    sent = _sending(database)
    with served(database) as (port, pages):
        _until(lambda: _mailed(database, sent) > 0)
        before, counted = _mailed(database, sent), _events(database, large.campaign)
        found = asyncio.run(_everybody(port, cookies, paths, hits, sent, seconds))
        mailed, counted = _mailed(database, sent) - before, _events(database, large.campaign) - counted
        grown = asyncio.run(_memory(port, cookies[0], paths, pages))
    return [
        Figure(f"hits, {len(found['hit'])} of them, p99", 1, _p99(found["hit"]), "0.1 s"),
        Figure("hits, the middle", 1, statistics.median(found["hit"]), ""),
        Figure(f"hits counted; {len(found['turned away'])} turned away", counted, seconds, f"{HITS} a second"),
        Figure(f"pages of {AT_THE_DESK} people, {len(found['page'])} of them, p99", 1, _p99(found["page"]), "0.3 s"),
        Figure("pages, the middle", 1, statistics.median(found["page"]), ""),
        Figure("people mailed meanwhile", mailed, seconds, f"{PEOPLE_A_SECOND:,} a second"),
        Figure(f"{LEAK_PAGES} more pages; {len(pages)} web processes grew by {grown:.0f} MB", 1, 0.0, "no growth"),
    ]  # fmt: skip


def _staff(database: Database, large: LargeHouse) -> tuple[list[str], list[list[str]]]:
    """Sign ten people in, of all roles; returns the cookie of each, and the pages that they may see."""
    app, cookies, pages = create_desk(database), [], []
    open_to: dict[str, set[PagePath]] = {}
    for number in range(AT_THE_DESK):
        role = ROLES[number % len(ROLES)]
        browser = Browser(app)
        with database.engine.begin() as connection:  # an address for each
            connection.execute(text("UPDATE accounts SET email = id || '@coalition.example'"))
        account_id, secret = make_account(database, role, factor=role in NEEDS_SECOND_FACTOR)
        assert sign_in(database, browser, account_id, secret).status_code == 200
        mine = [each for each in every_page(app, there(large, account_id)) if each.endpoint not in FILES]
        if number < len(ROLES):
            open_to[role] = {each for each in mine if browser.client.get(each.path).status_code == 200}
        seen = [each.path for each in mine if each.endpoint in {page.endpoint for page in open_to[role]}]
        cookie = browser.client.get_cookie("__Secure-desk", path="/desk")
        assert cookie is not None
        cookies.append(f"__Secure-desk={cookie.value}")
        pages.append(seen)
    return cookies, pages


def _hits(database: Database, large: LargeHouse) -> Iterator[str]:
    """Yield the paths of pixels and links of the people of the large campaign."""
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == large.campaign).values(opens="own", clicks="own"))
        campaign = find_campaign(connection, large.campaign)
    assert campaign.first_delivery is not None
    assert campaign.last_delivery is not None
    some = random.Random(7).choices(range(campaign.first_delivery, campaign.last_delivery * 9 // 10), k=20_000)
    keys = Keys(installation_secret(database.settings))
    pixels, clicks = keys.make(KeyKind.PIXEL, some), keys.make(KeyKind.CLICK, some)
    paths = [(f"/o/{pixel}.gif", f"/c/{click}/0") for pixel, click in zip(pixels, clicks, strict=True)]
    return cycle(path for pair in paths for path in pair)


def _sending(database: Database) -> int:
    """Begin to send to everybody at the pace that is asked for; the workers of `serve` go on."""
    campaign_id = draft(database, "everybody", "sendgrid")
    with database.engine.begin() as connection:
        campaign = find_campaign(connection, campaign_id)
        keep_plan(connection, campaign, Plan(per_minute=PEOPLE_A_SECOND * 60))
    foreground.start(database, campaign_id)
    return campaign_id


@contextmanager
def served(database: Database) -> Iterator[tuple[int, list[int]]]:
    """Run `daisychain serve`; gives its port and the numbers of its web processes."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DAISYCHAIN", "SENDGRID", "SMTP"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "daisychain", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True,
        env={**own, "PYTHONPATH": str(Path(__file__).parent.parent), **environment(database.settings)},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().rpartition(":")[2])
        _until(lambda: len(_web_processes(process.pid)) >= 2)
        time.sleep(3)  # each loads the pages
        yield port, _web_processes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _web_processes(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            stat = path.with_name("stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == parent and "spawn_main" in path.read_text():
                found.append(int(path.parent.name))
    return found


async def _everybody(
    port: int, cookies: list[str], paths: list[list[str]], hits: Iterator[str], sent: int, seconds: float
) -> dict[str, list[float]]:
    """Let readers come evenly, whatever the answers take, and staff open one page after the other."""
    took: dict[str, list[float]] = {"hit": [], "page": [], "turned away": []}
    slow: list[tuple[float, str]] = []
    readers, until = _Connections(port), time.monotonic() + seconds

    async def hit(path: str, due: float) -> None:
        status = await readers.ask(path)
        took["hit" if status in (200, 302) else "turned away"].append(time.monotonic() - due)

    async def staff(cookie: str, pages: Iterator[str], pause: Callable[[], float]) -> None:
        own = _Connections(port, cookie)
        while time.monotonic() < until:
            await asyncio.sleep(pause())
            path, began = next(pages), time.monotonic()
            status = await own.ask(path)
            took["page"].append(time.monotonic() - began)
            slow.append((took["page"][-1], path))
            assert status < 500, (status, path)

    chance = random.Random(3)
    at_work = []
    for cookie, seen in zip(cookies, paths, strict=True):
        pages = iter(lambda seen=seen: chance.choice(seen), None)
        at_work.append(asyncio.create_task(staff(cookie, pages, lambda: chance.expovariate(1 / THINK))))
    for cookie in cookies[:FOLLOWERS]:
        at_work.append(asyncio.create_task(staff(cookie, cycle([f"/desk/campaigns/{sent}"]), lambda: FOLLOW)))
    began = time.monotonic()
    for number in range(round(seconds * HITS)):
        due = began + number / HITS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at_work.append(asyncio.create_task(hit(next(hits), due)))
    await asyncio.gather(*at_work)
    for taken, path in sorted(slow, reverse=True)[:15]:
        sys.stderr.write(f"{taken * 1000:.0f} ms {path}\n")
    return took


async def _memory(port: int, cookie: str, paths: list[list[str]], pages: list[int]) -> float:
    """Return by how many megabytes the web processes grew over many pages, after as many to warm up."""
    own, some = _Connections(port, cookie), cycle(paths[0])
    sizes = []
    for _ in range(2):
        for _ in range(LEAK_PAGES // 4):
            await asyncio.gather(*(own.ask(next(some)) for _ in range(4)))
        sizes.append(sum(map(_megabytes, pages)))
    sys.stderr.write(f"memory of the web processes: {sizes}\n")
    return sizes[1] - sizes[0]


class _Connections:
    """Connections that are kept and used again, as a proxy keeps them."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port, self._free = port, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
        self._head = f"Host: {HOST}\r\nX-Forwarded-For: 203.0.113.9\r\nUser-Agent: Mozilla/5.0 (X11) Firefox/140.0\r\n"
        self._head += f"Cookie: {cookie}\r\n" if cookie else ""

    async def ask(self, path: str) -> int:
        """Get a page whole; returns its status."""
        while True:
            used = bool(self._free)
            reader, writer = self._free.pop() if used else await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                if not used:  # one that was kept may have been closed meanwhile
                    raise
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self._free.append((reader, writer))
        return int(head.split()[1])


def _mailed(database: Database, campaign_id: int) -> int:
    with database.engine.connect() as connection:
        accepted = select(text("coalesce(sum(accepted), 0)")).select_from(Attempt)
        return int(connection.scalar(accepted.where(Attempt.campaign_id == campaign_id)) or 0)


def _events(database: Database, campaign_id: int) -> int:
    with database.engine.connect() as connection:
        events = select(CampaignIntake.events).where(CampaignIntake.campaign_id == campaign_id)
        return connection.scalar(events) or 0


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


def _megabytes(pid: int) -> float:
    """Return the resident memory of a process that is its own."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Dirty", "Private_Clean"))) / 1024


def _until(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


if __name__ == "__main__":
    for figure in main(*map(int, sys.argv[1:3])):
        sys.stdout.write(f"{figure}\n")
