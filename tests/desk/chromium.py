"""The desk in a real browser: a server on loopback, and Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from flask import Flask
from playwright._impl import timeout_settings
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from daisychain.database import Database
from newsletters.browser import axe, browser
from tests.desk.staff import PASSWORD, app_code, free_code

RUN = """() => axe.run(document).then(({violations}) => violations.flatMap(({id, impact, nodes}) => nodes.map(
    ({target, failureSummary}) => `${impact} ${id} at ${target[0]}: ${failureSummary}`)))"""

# Only a failure waits so long; Playwright's own 5 and 30 seconds are too few for a busy machine.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)
assert timeout_settings.DEFAULT_PLAYWRIGHT_TIMEOUT  # what it is called in this version
timeout_settings.DEFAULT_PLAYWRIGHT_TIMEOUT = PATIENCE_MS


class Answer:
    """An answer's parts, closed once: werkzeug's server forgets to if the browser hangs up while it is read out."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts, self.open = parts, True

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def close(self) -> None:
        """Close the parts, which may be a file."""
        if self.open and hasattr(self.parts, "close"):
            self.parts.close()
        self.open = False


class Quiet(WSGIRequestHandler):
    """Answers requests without a line for each."""

    busy: ClassVar[set[object]] = set()
    closed: ClassVar[bool] = False

    def log_request(self, *arguments: object) -> None:
        """Log nothing."""

    def run_wsgi(self) -> None:
        """Answer, and be known as busy until then; once closed, hang up."""
        self.busy.add(self)
        try:
            if self.closed:
                self.close_connection = True
            else:
                try:
                    super().run_wsgi()
                finally:
                    if answer := self.environ.get("daisychain.answer"):
                        answer.close()
        finally:
            self.busy.discard(self)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on loopback; gives its address."""

    def answered(environ: dict[str, Any], start_response: Any) -> Answer:
        environ["daisychain.answer"] = Answer(app(environ, start_response))
        return environ["daisychain.answer"]

    Quiet.closed = False  # the test before may have been one of the desk, whose server hung up at its end
    server = make_server("127.0.0.1", 0, answered, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_chromium() -> Iterator[Chromium]:
    """Start the machine's own Chromium; Playwright's own download is not needed."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.chromium())
        try:
            yield chromium
        finally:
            chromium.close()


def broken_rules(page: Page) -> list[str]:
    """Return what axe finds on the page as it is shown now."""
    if not page.evaluate("'axe' in window"):
        # As a script of our own: the page's policy allows no inline one.
        page.evaluate(axe._engine())
    found: list[str] = page.evaluate(RUN)
    return found


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def sign_in_by_page(
    page: Page, url: str, database: Database, secret: bytes, account_id: int, role: str = "admin"
) -> None:
    """Sign in as a person does, with the second factor if there is one; ends on Home."""
    page.goto(f"{url}/desk/")
    page.get_by_label("Email address").fill(f"{role}@coalition.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if secret:
        page.get_by_label("Code").fill(app_code(database, secret))
        page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{url}/desk/")
    free_code(database, account_id)


def heading(page: Page) -> str:
    """Return the heading of the page, which is its task."""
    return page.get_by_role("heading", level=1).inner_text()
