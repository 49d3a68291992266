"""One web process: reads each request whole before a page sees it, and gives each kind of request its own threads.

A body that trickles in holds no thread and no connection to the database, only its own bytes in memory. An unsubscribe
waits for a thread as long as it takes; other requests beyond their share are turned away, pixels without being counted.
granian calls this through RSGI, its own interface; the pages are WSGI, like every Flask application.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.test import run_wsgi_app

from pages.context import PRIVATE_HEADERS
from pages.readers import PIXEL
from pages.toolkits.own_form import LARGEST_FORM

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope

# Seconds in which a whole body must arrive. Proxies wait as long; a webhook of 4 MiB needs 1.2 Mbit/s.
BODY_WITHIN = 30.0
RETRY_AFTER = "5"  # seconds
BUSY = "Busy; please try again in a moment."
DESK, SIGN_IN = "/desk", "/desk/sign-in"
# Forms of public pages in which somebody sends a logo; FORMS is no path, but the share that they have.
FORMS, WITH_LOGO = "forms", ("/toolkits/", "/p/")
# Other forms of public pages, as of readers' choices and sign-ups; a share that is no path either.
CHANGES = "changes"
DESK_UPLOADS = f"{DESK}/uploads"
DESK_PICTURES, DESK_LOGO = f"{DESK}/pictures/", re.compile(rf"{DESK}/partners/\d+/logos/")
# Pages that one person has made at the same time, and that wait for these: fewer than the threads of the desk, so that
# nobody who opens a slow page again and again holds up their colleagues.
TURNS, MOST_OF_ONE = 2, 20


@dataclass
class Share:
    """The part of a process that one kind of request has: threads, requests waiting for them, bytes of a body."""

    threads: int
    most_waiting: int
    largest_body: int = 64 * 1024
    most_bodies: int = 1_000  # that are arriving at the same time
    most_bytes: int = 256 * 1024 * 1024  # of bodies that are arriving, or wait for a thread
    busy: int = 0
    arriving: dict[asyncio.Timeout, None] = field(default_factory=dict)  # by its limit of time, the oldest first
    held: int = 0
    pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.threads)

    @property
    def full(self) -> bool:
        """Whether a further request would have to wait behind too many others."""
        return self.busy >= self.threads + self.most_waiting

    def make_room(self) -> None:
        """Give up the body that has been arriving longest if they are too many: most others arrive in one piece."""
        if len(self.arriving) >= self.most_bodies:
            oldest = next(iter(self.arriving))
            del self.arriving[oldest]
            if not oldest.expired():
                oldest.reschedule(0)


def shares() -> dict[str, Share]:
    """Return the shares by the beginning of a path; "/" is for all other pages. Each thread uses one connection."""
    return {
        "/u/": Share(threads=3, most_waiting=10_000),
        # A pixel waits for no database, so many of them wait a moment only.
        "/o/": Share(threads=1, most_waiting=1_000),
        "/webhooks/": Share(threads=2, most_waiting=20, largest_body=4 * 1024 * 1024, most_bodies=20),
        # A picture of 5 MB with the form that it is chosen in, and one that is too large, to say so.
        DESK_PICTURES: Share(threads=1, most_waiting=10, largest_body=16 * 1024 * 1024, most_bodies=4),
        # Slices of 1 MiB; or a file of 4 MiB in a form, and one that is too large, to say so. Few can fill no memory.
        DESK_UPLOADS: Share(threads=1, most_waiting=10, largest_body=16 * 1024 * 1024, most_bodies=6),
        # Staff wait for each other, and no reader waits for them. Nor do they for people who are not signed in.
        SIGN_IN: Share(threads=2, most_waiting=20, most_bodies=100),
        DESK: Share(threads=3, most_waiting=30, largest_body=2 * 1024 * 1024, most_bodies=20),
        # Logos take seconds to read, so nobody waits for these who only looks at a page or at the pictures of a mail.
        FORMS: Share(threads=2, most_waiting=100, largest_body=LARGEST_FORM, most_bytes=6 * LARGEST_FORM),
        # They wait for rows that an import holds, and nobody waits for these who only looks at a page.
        CHANGES: Share(threads=2, most_waiting=100),
        "/": Share(threads=3, most_waiting=100),
    }


class TurnedAwayError(Exception):
    """A request that no page gets to see."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OwnRequests:
    """The requests of one person at the desk."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(TURNS)
        self.asked = 0


class WebProcess:
    """Answers the requests of one process: with the public pages, or with the desk.

    `token_of` reads from cookies, without the database, who is signed in at the desk: a token, or "".
    """

    def __init__(self, pages: WSGIApplication, desk: WSGIApplication, token_of: Callable[[str], str]) -> None:
        self._pages, self._desk, self._token_of = pages, desk, token_of
        self._shares = shares()
        self._turns: defaultdict[str, OwnRequests] = defaultdict(OwnRequests)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        at_desk = scope.path.startswith(DESK)
        app = self._desk if at_desk else self._pages
        token = self._token_of(scope.headers.get("cookie") or "") if at_desk else ""
        start = next(start for start in self._shares if scope.path.startswith(start) or start == "/")
        if scope.method == "POST" and start == "/":
            start = FORMS if scope.path.startswith(WITH_LOGO) else CHANGES
        if DESK_LOGO.match(scope.path):
            start = DESK_PICTURES
        if not token:
            return await self._answer(scope, protocol, self._shares[SIGN_IN if at_desk else start], app)
        turns = self._turns[token]
        turns.asked += 1
        try:
            await self._answer(scope, protocol, self._shares[start], app, turns)
        finally:
            turns.asked -= 1
            if not turns.asked:
                del self._turns[token]

    async def _answer(
        self, scope: Scope, protocol: HTTPProtocol, share: Share, app: WSGIApplication, turns: OwnRequests | None = None
    ) -> None:
        body = bytearray()
        try:
            await self._pass_on(scope, protocol, share, app, turns, body)
        except TurnedAwayError as error:
            if error.status == 503 and scope.path.startswith("/o/"):
                return protocol.response_bytes(200, [("content-type", "image/gif"), *PRIVATE_HEADERS.items()], PIXEL)
            headers = [("content-type", "text/plain"), ("retry-after", RETRY_AFTER), ("connection", "close")]
            return protocol.response_str(error.status, headers, f"{error}\n")
        finally:
            share.held -= len(body)

    async def _pass_on(
        self, scope: Scope, protocol: HTTPProtocol, share: Share, app: WSGIApplication, turns: OwnRequests | None,
        body: bytearray,
    ) -> None:  # fmt: skip
        """Read the `body`, then answer with a page; raises TurnedAwayError."""
        if turns and turns.asked > TURNS + MOST_OF_ONE:
            raise TurnedAwayError(503, "You have many pages open at once; please wait for them.")
        await _read_body(scope, protocol, share, body)
        environ = _environ(scope, bytes(body))
        if share.full:
            raise TurnedAwayError(503, BUSY)
        async with turns.free if turns else nullcontext():
            share.busy += 1
            try:
                answer = await asyncio.get_running_loop().run_in_executor(share.pool, _answer, app, environ)
            finally:
                share.busy -= 1
        protocol.response_bytes(*answer)


def _answer(app: WSGIApplication, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    return int(status.split()[0]), list(headers), b"".join(chunks)


async def _read_body(scope: Scope, protocol: HTTPProtocol, share: Share, body: bytearray) -> None:
    """Read all into `body`, which counts as held; raises TurnedAwayError if it is too large or slow, or breaks off."""
    headers = scope.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return
    length = headers.get("content-length") or "0"
    if int(length) > share.largest_body:
        raise TurnedAwayError(413, "The request is too large.")
    share.make_room()
    try:
        async with asyncio.timeout(BODY_WITHIN) as limit:
            share.arriving[limit] = None
            async for chunk in protocol:
                body += chunk
                share.held += len(chunk)
                if len(body) > share.largest_body:
                    raise TurnedAwayError(413, "The request is too large.")
                if share.held > share.most_bytes:
                    raise TurnedAwayError(503, BUSY)
    except TimeoutError:
        if limit not in share.arriving:
            raise TurnedAwayError(503, BUSY) from None
        raise TurnedAwayError(408, "The request took too long to arrive.") from None
    finally:
        share.arriving.pop(limit, None)
    # granian does not say that chunks broke off. Half a webhook fails its signature; half a form is no unsubscribe.
    if "content-length" in headers and len(body) != int(length):
        raise TurnedAwayError(400, "The request broke off.")


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return a request as WSGI has it (PEP 3333)."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method, "SCRIPT_NAME": "", "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string, "SERVER_NAME": server.strip("[]"), "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}", "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "CONTENT_LENGTH": str(len(body)), "wsgi.version": (1, 0), "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }  # fmt: skip
    for name, value in scope.headers.items():
        # X_Forwarded_For would pass for X-Forwarded-For, which only the proxy may say.
        if name in ("content-length", "transfer-encoding") or "_" in name:
            continue
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}" if key in environ else value
    return environ
