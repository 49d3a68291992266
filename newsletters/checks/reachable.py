"""Reachable: ask websites whether addresses lead to a page, a few at a time.

The author of a newsletter must not be able to look into our own network: an address is resolved once, refused
unless it is public, and the connection goes to just that address; the same at each redirect.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from daisychain.hosts import ip_of, is_public
from daisychain.terminal_text import printable

TIMEOUT = 10.0  # seconds without a sign of life
DEADLINE = 30.0  # seconds for all requests about one address
AT_ONCE = 4
MOST_REDIRECTS = 5
MOST_LINKS = 200

_SAFE = "/%:@!$&'()*+,;=~-._"
_AGENT = "Mozilla/5.0 (compatible; Daisychain link check)"
# These mean that there is no such page; other refusals may only be for programs.
_GONE = (404, 410)
_LONGEST_REASON = 100  # signs


@dataclass(frozen=True)
class Answer:
    """A site's answer, as the end of a sentence; empty if all is well. `dead` if there is surely no page."""

    words: str = ""
    dead: bool = False


@dataclass(frozen=True)
class Reach:
    """The sites that may be asked: public ones, and this machine's if `loopback`, for tests.

    `tls` says whose certificates to trust, by default the system's.
    """

    loopback: bool = False
    tls: ssl.SSLContext | None = None

    def answers(self, urls: Iterable[str]) -> dict[str, Answer]:
        """Return the answer of each http and https address, in order; at most `MOST_LINKS` are asked."""
        asked = [url for url in dict.fromkeys(urls) if urlsplit(url).scheme in ("http", "https")][:MOST_LINKS]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(asked, pool.map(self._answer, asked), strict=True))

    def _answer(self, url: str) -> Answer:
        end = time.monotonic() + DEADLINE
        try:
            status = self._status(url, "HEAD", end)
            # Many a site answers HEAD with a refusal, or wrongly.
            return _told(status if status < 400 else self._status(url, "GET", end))
        except _NotAsked as reason:
            return Answer(str(reason))
        except socket.gaierror as error:
            # Without a network, or with a name server that is down, no name is found.
            return Answer("its name was not found", dead=error.errno == socket.EAI_NONAME)
        except ssl.SSLCertVerificationError as error:
            return Answer(f"its certificate is not valid ({error.verify_message})")
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = time.monotonic() >= end
            if late or isinstance(error, TimeoutError):
                return Answer(f"it did not answer within {DEADLINE if late else TIMEOUT:.0f} seconds")
            return Answer(f"the connection failed ({printable(str(error))[:_LONGEST_REASON]})")

    def _status(self, url: str, method: str, end: float) -> int:
        for _ in range(MOST_REDIRECTS):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _NotAsked("it is sent on to what is no web address")
            port = parts.port or (443 if parts.scheme == "https" else 80)
            addresses = self._addresses(parts.hostname, port)
            tls = (self.tls or ssl.create_default_context()) if parts.scheme == "https" else None
            connection = _PinnedConnection(parts.hostname, port, addresses, tls, end)
            path = urlunsplit(("", "", quote(parts.path or "/", _SAFE), quote(parts.query, f"{_SAFE}?"), ""))
            try:
                connection.request(method, path, headers={"User-Agent": _AGENT, "Accept": "text/html,*/*"})
                response = connection.getresponse()
                # What was cut may look like a whole answer.
                connection.left()
                location = response.getheader("Location")
            finally:
                connection.close()
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response.status
            url = urljoin(url, location)
        raise _NotAsked(f"it redirects more than {MOST_REDIRECTS} times")

    def _addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses that `host` has; raises _NotAsked if one of them is not public."""
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for each in map(ip_of, found):
            if not each or not (is_public(each) or (self.loopback and each.is_loopback)):
                raise _NotAsked("its address is not public")
        return found


class _NotAsked(Exception):  # noqa: N818 - says what it is
    """An address that is not asked, and why."""


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to `host` at the first of `addresses` that accepts it; they were checked before.

    It is cut at `end`, by `time.monotonic`: a site that sends a byte now and then would hold it for ever.
    """

    def __init__(self, host: str, port: int, addresses: Sequence[str], tls: ssl.SSLContext | None, end: float) -> None:
        self.default_port = 443 if tls else 80
        super().__init__(host, port, timeout=TIMEOUT)
        self._addresses = addresses
        self._tls = tls
        self._end = end
        self._timer: threading.Timer | None = None

    def connect(self) -> None:
        self.sock = plain = self._reached()
        if self._tls:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self._timer = threading.Timer(self.left(), _cut, [self.sock])
        self._timer.start()
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        super().close()

    def left(self) -> float:
        """Return the seconds until the end; raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _reached(self) -> socket.socket:
        for address in self._addresses[:-1]:
            # A machine without IPv6 gets such addresses too.
            with suppress(OSError):
                return socket.create_connection((address, self.port), min(TIMEOUT, self.left()))
        return socket.create_connection((self._addresses[-1], self.port), min(TIMEOUT, self.left()))


def _cut(connected: socket.socket) -> None:
    """End all traffic on a connection, without TLS's own goodbye, which may block too."""
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _told(status: int) -> Answer:
    if status < 400:
        return Answer()
    return Answer(f"it answers {status} {http.client.responses.get(status, '')}".rstrip(), dead=status in _GONE)
