"""A server that is killed while somebody writes, and started again: real processes, a real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from daisychain.database import Database
from newsletters.stored.beginnings import from_starter
from newsletters.stored.newsletters import create, load
from tests.command import Daisychain
from tests.daisychain.work.serving import status
from tests.desk.chromium import sign_in_by_page
from tests.desk.staff import make_account
from tests.waiting import until

pytestmark = [pytest.mark.usefixtures("chromium", "scripts"), pytest.mark.processes]


@contextmanager
def serving_at(port: int, daisychain: Daisychain) -> Iterator[subprocess.Popen[str]]:
    """Serve on that port; gives the first process of a group of its own, all of which is killed at the end."""
    process = daisychain.start("serve", "--port", str(port), "--processes", "1", start_new_session=True)
    try:
        until(lambda: status(f"http://127.0.0.1:{port}/healthz") == 200)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_server_that_is_killed_loses_nothing_that_was_saved_and_gets_the_rest_when_it_is_back(
    running: Chromium, daisychain: Daisychain, database: Database
) -> None:
    with database.engine.begin() as connection:
        contents = from_starter(connection, "community-makes-us", "bulletin")
        newsletter = create(connection, "May bulletin", contents, who="Sam")
    account_id, secret = make_account(database, "editor", factor=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def saved(words: str) -> Callable[[], bool]:
        def is_saved() -> bool:
            with database.engine.connect() as connection:
                return words in load(connection, newsletter.id).contents.texts[""]

        return is_saved

    page = running.new_context().new_page()
    said = page.locator(".head .saved")
    with serving_at(port, daisychain):
        url = f"http://127.0.0.1:{port}"
        sign_in_by_page(page, url, database, secret, account_id, "editor")
        page.goto(f"{url}/desk/newsletters/{newsletter.id}/source")
        page.locator("dc-source .cm-content").focus()
        page.keyboard.press("Control+End")
        page.keyboard.type("Before it was killed.")
        until(saved("Before it was killed."))  # by itself
    page.keyboard.type(" While it was dead.")
    expect(said).to_contain_text("Not saved since")
    assert saved("Before it was killed.")()
    with serving_at(port, daisychain):
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(said).to_contain_text("Saved ")
    assert saved("Before it was killed. While it was dead.")()
    page.context.close()
