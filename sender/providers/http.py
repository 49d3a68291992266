"""HTTP that can tell whether a request may have left: the openers that providers send through.

They follow no redirect, which would turn a POST into a GET and show our key to whoever is named, and an error
while connecting is a NotConnectedError, as urllib alone reports it like one while sending.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.request


class NotConnectedError(OSError):
    """No connection came about, so that not one byte of a request has left."""


def opener(*, encrypted: bool, direct: bool) -> urllib.request.OpenerDirector:
    """An opener for http, and for https if `encrypted`; `direct` ones pass by the environment's proxies."""
    handlers: list[urllib.request.BaseHandler] = [_Plain(), _NoRedirect()]
    if encrypted:
        handlers.append(_Encrypted(ssl.create_default_context()))
    if direct:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class _WatchedConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error


class _EncryptedConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_WatchedConnection, req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._ours = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_EncryptedConnection, req, context=self._ours)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None  # and so a redirect is an error with a status of its own
