"""`/metrics` for Prometheus: for requests that carry the token; without public pages also for this machine."""

from __future__ import annotations

import hmac
import re
import threading
import time
from collections.abc import Iterable

from flask import Blueprint, Response, abort, current_app, request

from daisychain.hosts import is_loopback
from daisychain.web.own_address import ASKED_HOST
from pages import context
from sender.alerts.gauges import Gauge, gauges

blueprint = Blueprint("metrics", __name__)

# Seconds for which a page is kept: the tables are read no more often, however many requests there are.
FRESH = 5.0
# Headers that a proxy adds: a request that comes through one is not from this machine.
_PASSED_ON = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via")
_THIS_MACHINE = r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
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
    # Behind a proxy every request comes from this machine, whatever the proxy adds or leaves out.
    if context.settings().public_url.startswith("https://"):
        return False
    # The host's name as well: a page in a browser may have a name that was made to lead here.
    return (
        is_loopback(request.remote_addr or "")
        and re.fullmatch(_THIS_MACHINE, request.environ[ASKED_HOST]) is not None
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
