"""A limit on requests with a body: slow senders must not hold up other pages."""

from __future__ import annotations

from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Half of the threads that `serve` has: a body is read as it arrives, and its thread waits for as long as that takes.
AT_ONCE = 4
RETRY_AFTER = "5"  # seconds

_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}  # nobody reads one there


class RequestLimit:
    """A WSGI application that passes `at_once` requests with a body to `app`; further requests get 503."""

    def __init__(self, app: WSGIApplication, at_once: int = AT_ONCE) -> None:
        self._app = app
        self._places = BoundedSemaphore(at_once)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in _WITHOUT_BODY:
            return self._app(environ, start_response)
        if not self._places.acquire(blocking=False):
            headers = [("Content-Type", "text/plain"), ("Retry-After", RETRY_AFTER), ("Connection", "close")]
            start_response("503 Service Unavailable", headers)
            return [b"Busy; please try again in a moment.\n"]
        try:
            return self._app(environ, start_response)
        finally:
            self._places.release()
