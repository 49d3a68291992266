"""HTTP openers that distinguish errors while connecting (safe to retry) from errors after a request was sent.

urllib reports both alike. They also follow no redirect: urllib turns a redirected POST into a GET, and would send our
key to the new host.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from urllib.parse import urlsplit

from daisychain.hosts import is_loopback


class NotConnectedError(OSError):
    """The connection failed, so not one byte of the request was sent."""


def opener(url: str) -> urllib.request.OpenerDirector:
    """Build an opener for the host of `url`; one on this machine is reached without the environment's proxies."""
    parts = urlsplit(url)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    handlers: list[urllib.request.BaseHandler] = [_Handler(context), _NoRedirect()]
    if is_loopback(parts.hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _PlainConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error


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
