"""Reachable: whether web addresses lead to a page, asked of the sites themselves, a few at a time.

Whoever writes a newsletter must not be able to look into our own network by it: an address is resolved once, refused
where it is not public, and the connection goes to just that address; the same at each redirect.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

TIMEOUT = 10.0  # seconds, for each request
AT_ONCE = 4
MOST_REDIRECTS = 5
MOST_LINKS = 200

_SAFE = "/%:@!$&'()*+,;=~-._"
_AGENT = "Mozilla/5.0 (compatible; Daisychain link check)"
# These say that there is no such page; other refusals may be meant for programs alone.
_GONE = (404, 410)


@dataclass(frozen=True)
class Answer:
    """What a site said, as the end of a sentence; empty where all is well. `dead` where there is surely no page."""

    words: str = ""
    dead: bool = False


@dataclass(frozen=True)
class Reach:
    """Which sites may be asked: public ones, and on this machine where `loopback` says that this is a test.

    `tls` says whose certificates are believed, by default those that the system knows.
    """

    loopback: bool = False
    tls: ssl.SSLContext | None = None

    def answers(self, urls: Iterable[str]) -> dict[str, Answer]:
        """What each http and https address answers, in the order given; at most `MOST_LINKS` are asked."""
        asked = [url for url in dict.fromkeys(urls) if urlsplit(url).scheme in ("http", "https")][:MOST_LINKS]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(asked, pool.map(self._answer, asked), strict=True))

    def _answer(self, url: str) -> Answer:
        try:
            status = self._status(url, "HEAD")
            # Many a site answers HEAD with a refusal, or wrongly.
            return _told(status if status < 400 else self._status(url, "GET"))
        except _NotAsked as reason:
            return Answer(str(reason))
        except socket.gaierror as error:
            # Without a network, or with a name server that is down, no name is found.
            return Answer("its name was not found", dead=error.errno == socket.EAI_NONAME)
        except ssl.SSLCertVerificationError as error:
            return Answer(f"its certificate is not valid ({error.verify_message})")
        except TimeoutError:
            return Answer(f"it did not answer within {TIMEOUT:.0f} seconds")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(f"the connection failed ({error})")

    def _status(self, url: str, method: str) -> int:
        for _ in range(MOST_REDIRECTS):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _NotAsked("it is sent on to what is no web address")
            port = parts.port or (443 if parts.scheme == "https" else 80)
            addresses = self._addresses(parts.hostname, port)
            tls = (self.tls or ssl.create_default_context()) if parts.scheme == "https" else None
            connection = _Connection(parts.hostname, port, addresses, tls)
            path = urlunsplit(("", "", quote(parts.path or "/", _SAFE), quote(parts.query, f"{_SAFE}?"), ""))
            try:
                connection.request(method, path, headers={"User-Agent": _AGENT, "Accept": "text/html,*/*"})
                response = connection.getresponse()
                location = response.getheader("Location")
            finally:
                connection.close()
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response.status
            url = urljoin(url, location)
        raise _NotAsked(f"it is sent on more than {MOST_REDIRECTS} times")

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses that `host` has; raises _NotAsked where one of them is not public."""
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for each in map(ipaddress.ip_address, found):
            if not (each.is_global or (self.loopback and each.is_loopback)):
                raise _NotAsked("its address is not public")
        return found


class _NotAsked(Exception):  # noqa: N818 - says what it is
    """An address that is left alone, and why."""


class _Connection(http.client.HTTPConnection):
    """A connection to `host` at the first of `addresses`, which were looked at before, that takes it."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], tls: ssl.SSLContext | None) -> None:
        self.default_port = 443 if tls else 80
        super().__init__(host, port, timeout=TIMEOUT)
        self._addresses = addresses
        self._tls = tls

    def connect(self) -> None:
        plain = self._reached()
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain

    def _reached(self) -> socket.socket:
        for address in self._addresses[:-1]:
            # A machine without IPv6 is told such addresses all the same.
            with suppress(OSError):
                return socket.create_connection((address, self.port), TIMEOUT)
        return socket.create_connection((self._addresses[-1], self.port), TIMEOUT)


def _told(status: int) -> Answer:
    if status < 400:
        return Answer()
    return Answer(f"it answers {status} {http.client.responses.get(status, '')}".rstrip(), dead=status in _GONE)
