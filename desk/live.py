"""Pages that keep themselves up to date: their script asks for what has changed since the version that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, request


def live_answer(version: str, ask_again: int | None, page: Callable[[], Any]) -> Response:
    """Return the page if it is another than the version asked for, else 304; `ask_again` is in seconds, None to stop.

    The page is made from its template with `layout="desk/live.html"`; the script replaces what has `data-live`.
    """
    same = request.args.get("have") == version
    answer = Response(status=304) if same else make_response(page())
    answer.headers["X-Version"] = version
    if ask_again:
        answer.headers["X-Next"] = str(ask_again)
    return answer
