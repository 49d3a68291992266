"""HTTP openers that distinguish errors while connecting (safe to retry) from errors after a request was sent.

urllib reports both alike. They also follow no redirect: urllib turns a redirected POST into a GET, and would send our
key to the new host.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.request


class NotConnectedError(OSError):
    """The connection failed, so not one byte of the request was sent."""


def opener(*, encrypted: bool, direct: bool) -> urllib.request.OpenerDirector:
    """Build an opener for http, and for https if `encrypted`; `direct` ignores the environment's proxies."""
    handlers: list[urllib.request.BaseHandler] = [_Plain(), _NoRedirect()]
    if encrypted:
        handlers.append(_Encrypted(ssl.create_default_context()))
    if direct:
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


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_PlainConnection, req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._ours = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_EncryptedConnection, req, context=self._ours)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None  # urllib then raises HTTPError with the redirect's status
