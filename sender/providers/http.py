"""HTTP openers that distinguish errors while connecting (safe to retry) from errors after a request was sent.

urllib reports both alike. They also follow no redirect: urllib turns a redirected POST into a GET, and would send our
key to the new host. And where urllib's timeout is for each read, so that an answer of one byte at a time never ends,
here it is for the whole answer, and for the whole request before it.

A request with the header `Connection: keep-alive` may go over the connection of an earlier one whose answer was read to
its end: setting up TCP and TLS costs several round trips. Through a proxy, each request has a connection of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from daisychain.hosts import is_loopback
from sender.providers.deadline import Deadline

_LONGEST_ANSWER = 1024 * 1024  # bytes; SendGrid's longest names a thousand people
_RECORD = 16_384  # bytes of a TLS record (RFC 8446, 5.1)
# Servers and firewalls close a connection that is idle, and a request that meets this is lost. The shortest times known
# are 5 s; a campaign's next request comes within one.
KEPT_FOR = 2.0  # seconds


class NotConnectedError(OSError):
    """The connection failed, so not one byte of the request was sent."""


class ClosedMeanwhileError(OSError):
    """A kept connection failed before a byte of the request's body was written, so nothing can have been accepted."""


def read_answer(answer: Any) -> bytes:
    """Return what arrives of an answer's body in time; its status is known already, so no error is raised."""
    body = bytearray()
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        while len(body) < _LONGEST_ANSWER and (piece := answer.read1(_RECORD)):
            body += piece
    return bytes(body)


def opener(url: str) -> urllib.request.OpenerDirector:
    """Build an opener for the host of `url`; one on this machine is reached without the environment's proxies."""
    parts = urlsplit(url)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    handlers: list[urllib.request.BaseHandler] = [_Handler(context), _NoRedirect()]
    if is_loopback(parts.hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _TimedReader(io.RawIOBase):
    """Reads from a socket until the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._deadline.limit(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


_Then = Callable[[bool], None] | None


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, seconds: float, then: _Then = None, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, Deadline(seconds)))
        self._then = then

    def close(self) -> None:
        """Close it, and call `then` with whether it was read to its end, so that its connection may serve again."""
        complete = self.isclosed() or self.length == 0
        super().close()
        then, self._then = self._then, None
        if then is not None:
            then(complete and not self.will_close)


class _PlainConnection(http.client.HTTPConnection):
    _sending: Deadline | None = None
    then: _Then = None  # for what follows an answer, see `_TimedResponse`

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error
        self.limit()

    def limit(self) -> None:
        """Give the next request, and its answer, this connection's time each."""
        # getresponse makes the response when the request has been sent.
        self.response_class = partial(_TimedResponse, seconds=self.timeout or 0, then=self.then)  # type: ignore[assignment]
        self._sending = Deadline(self.timeout or 0)

    def send_head(self, request: urllib.request.Request) -> None:
        """Send the head of a request; raises ClosedMeanwhileError if this connection was kept and is closed by now."""
        if kept := self.sock is not None:
            self.limit()
        headers = {**request.headers, **request.unredirected_hdrs}
        try:
            self.putrequest(request.get_method(), request.selector, skip_host="Host" in headers)
            for name, value in headers.items():
                self.putheader(name.title(), value)
            self.endheaders()
            if kept and self.has_more():
                raise ConnectionError("the connection was closed")
        except OSError as error:
            if kept:
                raise ClosedMeanwhileError(str(error)) from error
            raise

    def has_more(self) -> bool:
        """Whether there is something to read. Before an answer is due, that is the end of the connection."""
        looking = select.poll()  # unlike select, for any number of open files
        looking.register(self.sock, select.POLLIN)
        return bool(looking.poll(0))

    def send(self, data: Any) -> None:
        """Send bytes in pieces: over TLS the timeout of one write is for each of its records."""
        for start in range(0, len(data), _RECORD):
            if self._sending is not None:
                self._sending.limit(self.sock)
            super().send(data[start : start + _RECORD])


class _EncryptedConnection(_PlainConnection, http.client.HTTPSConnection):
    """Its `connect` is the one above around HTTPSConnection's, TLS handshake included."""


class _Idle:
    """The connections to one host that serve no request now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, _PlainConnection]] = []
        weakref.finalize(self, _close_all, self._waiting)

    def take(self) -> _PlainConnection | None:
        """Return the one used last, unless it was closed or kept for too long."""
        with self._lock:
            while self._waiting:
                since, connection = self._waiting.pop()
                if time.monotonic() - since < KEPT_FOR and not connection.has_more():
                    return connection
                connection.close()
        return None

    def put(self, connection: _PlainConnection, usable: bool) -> None:
        """Keep a connection for the next request if it is usable; otherwise close it."""
        if not usable:
            connection.close()
            return
        connection.then = None  # it holds us
        connection.limit()
        with self._lock:
            self._waiting.append((time.monotonic(), connection))


def _close_all(waiting: list[tuple[float, _PlainConnection]]) -> None:
    for _, connection in waiting:
        connection.close()


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._ours = context
        self._idle = _Idle()

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(req, _PlainConnection)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(req, _EncryptedConnection, context=self._ours)

    def _open(
        self, req: urllib.request.Request, kind: type[_PlainConnection], **options: Any
    ) -> http.client.HTTPResponse:
        through_proxy = req.host != urlsplit(req.full_url).netloc
        if through_proxy or req.get_header("Connection") != "keep-alive":
            return self.do_open(kind, req, **options)
        connection = self._idle.take() or kind(req.host, **options)
        connection.timeout, connection.then = req.timeout, partial(self._idle.put, connection)
        try:
            connection.send_head(req)
            connection.send(req.data)
            answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        answer.msg = answer.reason  # type: ignore[assignment] # as urllib's own handler does
        return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None  # urllib then raises HTTPError with the redirect's status
