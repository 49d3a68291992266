"""Serving as operators do: one process that prints its URL, answers, delivers, and stops when it is told to."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import make_url

from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from sender.delivery.ledger import read_ledger
from sender.upkeep import foreground
from tests.command import Daisychain
from tests.daisychain.work.serving import FORM, PROCESSES, Served, serving, status
from tests.sender.staging import staged
from tests.waiting import until

THREADS = 8  # more than a process has for one kind of request


@pytest.fixture
def own(daisychain: Daisychain) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server that this test may end: its URL, and the process."""
    with serving(daisychain) as own:
        yield own


def test_it_prints_its_url_first_answers_and_stops_on_sigterm(own: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = own
    assert url.startswith("http://127.0.0.1:")
    assert status(f"{url}/toolkits/community-makes-us") == 200
    assert status(f"{url}/u/not-a-key") == 404
    assert status(f"{url}/metrics") == 200
    process.terminate()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert output == ""
    assert "not-a-key" not in errors


def test_it_delivers_what_was_detached(served: Served) -> None:
    database = served.database
    campaign_id = staged(database, 10)
    foreground.start(database, campaign_id)

    def accepted() -> int:
        with database.engine.connect() as connection:
            return read_ledger(connection, campaign_id).accepted

    until(lambda: accepted() == 10)


def test_its_pages_end_with_it_when_it_is_killed(own: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = own
    process.kill()
    process.wait()
    until(lambda: status(f"{url}/healthz") == 0)


def test_it_ends_with_its_pages_when_the_database_was_away_and_nobody_delivers_any_more(
    own: tuple[str, subprocess.Popen[str]], settings: Settings, server: EmbeddedServer
) -> None:
    url, process = own
    name = make_url(settings.database_url).database
    with psycopg.connect(server.conninfo(role="postgres", database="postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert "nothing is delivered any more" in errors
    assert status(f"{url}/healthz") == 0


def test_an_error_page_is_private_and_plain(served: Served) -> None:
    request = urllib.request.Request(f"{served.url}/nowhere", headers={"Accept": "text/html"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "<h1" in answer.read().decode()


@pytest.mark.parametrize("stalled", ["/u/{key}", "/u/{key}/leave", "/webhooks/sendgrid"])
def test_bodies_that_never_arrive_hold_up_no_page(served: Served, stalled: str) -> None:
    url, key = served.url, served.sent().unsubscribe()
    address = (urlsplit(url).hostname, urlsplit(url).port)
    head = f"POST {stalled.format(key=key)} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nContent-Type: {FORM}\r\n\r\na"
    with ExitStack() as stack:
        for _ in range(PROCESSES * THREADS + 1):
            stack.enter_context(socket.create_connection(address, timeout=60)).sendall(head.encode())
        time.sleep(0.3)  # for all of them to have got as far as they get
        assert status(f"{url}/healthz") == 200
        assert status(f"{url}/u/{key}") == 200
