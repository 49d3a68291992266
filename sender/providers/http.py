"""HTTP openers that distinguish errors while connecting (safe to retry) from errors after a request was sent.

urllib reports both alike. They also follow no redirect: urllib turns a redirected POST into a GET, and would send our
key to the new host. And where urllib's timeout is for each read, so that an answer of one byte at a time never ends,
here it is for the whole answer, and for the whole request before it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import urllib.request
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from daisychain.hosts import is_loopback
from sender.providers.deadline import Deadline

_LONGEST_ANSWER = 1024 * 1024  # bytes; SendGrid's longest names a thousand people
_RECORD = 16_384  # bytes of a TLS record (RFC 8446, 5.1)


class NotConnectedError(OSError):
    """The connection failed, so not one byte of the request was sent."""


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


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, seconds: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, Deadline(seconds)))


class _PlainConnection(http.client.HTTPConnection):
    _sending: Deadline | None = None

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error
        # `timeout` is what `opener.open` was given; getresponse makes the response when the request has been sent.
        self.response_class = partial(_TimedResponse, seconds=self.timeout or 0)  # type: ignore[assignment]
        self._sending = Deadline(self.timeout or 0)

    def send(self, data: Any) -> None:
        """Send bytes in pieces: over TLS the timeout of one write is for each of its records."""
        for start in range(0, len(data), _RECORD):
            if self._sending is not None:
                self._sending.limit(self.sock)
            super().send(data[start : start + _RECORD])


class _EncryptedConnection(_PlainConnection, http.client.HTTPSConnection):
    """Its `connect` is the one above around HTTPSConnection's, TLS handshake included."""


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._ours = context

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_PlainConnection, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_EncryptedConnection, req, context=self._ours)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None  # urllib then raises HTTPError with the redirect's status
