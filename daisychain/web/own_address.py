"""The address of both web applications, whatever a request says, and the one proxy in front of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from daisychain.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# In the environment of a request: the host that it names, which may be anything.
ASKED_HOST = "daisychain.asked_host"


class OwnAddress:
    """A WSGI application that knows its address from the public URL, whatever a request or its proxy says of it."""

    def __init__(self, app: WSGIApplication, public_url: str) -> None:
        scheme, host, path, *_ = urlsplit(public_url)
        self._app, self._own = app, {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "SCRIPT_NAME": path}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._app({**environ, ASKED_HOST: environ.get("HTTP_HOST", ""), **self._own}, start_response)


def at_own_address(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    """Return an application that believes the settings about its address, and a proxy about the reader's only."""
    fixed: WSGIApplication = OwnAddress(app, settings.pages_url)
    if settings.public_url.startswith("https://"):
        # We speak http, so there is one proxy in front, which adds the reader's address.
        fixed = ProxyFix(fixed, x_for=1, x_proto=0, x_host=0)
    return fixed
