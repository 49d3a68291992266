"""`/metrics` for Prometheus: for this machine only, or for requests that carry the token."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request

from daisychain.hosts import is_loopback
from pages import context
from sender.alerts.gauges import Gauge, gauges

blueprint = Blueprint("metrics", __name__)

# Seconds for which a page is kept: the tables are read no more often, however many requests there are.
FRESH = 5.0
# Headers that a proxy adds: a request that comes through one is not from this machine.
_PASSED_ON = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via")
_turn = threading.Lock()


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the gauges in Prometheus's text format; 404 for everybody else."""
    if not _allowed():
        abort(404)
    answer = Response(_current(), content_type="text/plain; version=0.0.4; charset=utf-8")
    return context.keep_private(answer)


def _allowed() -> bool:
    token = context.settings().metrics_token
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    # The host's name as well: a proxy that adds no header still asks by the public one, as does a page in a browser
    # whose name was made to lead here.
    return (
        is_loopback(request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR") or "")
        and is_loopback(urlsplit(f"//{request.host}").hostname or "")
        and not any(name in request.headers for name in _PASSED_ON)
    )


def _current() -> str:
    """Return the page, made again if the last one is too old; one request at a time."""
    kept = current_app.extensions.setdefault("metrics", {})
    with _turn:
        if time.monotonic() - kept.get("made", -FRESH) >= FRESH:
            with context.engine().connect() as connection:
                kept["page"] = written(gauges(connection))
            kept["made"] = time.monotonic()
        return str(kept["page"])


def written(figures: Iterable[Gauge]) -> str:
    """Return figures in Prometheus's text format."""
    lines = []
    for figure in figures:
        lines += [f"# HELP {figure.name} {figure.help}", f"# TYPE {figure.name} gauge"]
        for labels, value in figure.values.items():
            names = ",".join(f'{name}="{value}"' for name, value in labels)
            lines.append(f"{figure.name}{f'{{{names}}}' if names else ''} {value:.15g}")
    return "\n".join(lines) + "\n"
