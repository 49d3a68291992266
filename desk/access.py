"""Access to pages: each names its right, and the audit log gets a line for each change.

A page is a view below `@blueprint.get(…)` or `@blueprint.post(…)`, then `@right("campaigns.pause")`, then the function.
A page without a right is refused, and fails a test. In a page, `person()` is who asks, `connection()` is the
transaction of this request (kept if the page returns, rolled back if it raises), and `note(…)` adds to the audit line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import (
    Response,
    abort,
    current_app,
    flash,
    g,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import HTTPException

from accounts.audit import record
from accounts.rights import ANYBODY, RIGHTS, SIGNED_IN
from accounts.sessions import SignedIn
from accounts.staff import names_with
from daisychain.database import Database
from daisychain.errors import DaisychainError, InputError
from daisychain.settings import Settings
from daisychain.web.networks import network_of
from lists.kept_figures import BeingCountedError, give_kept
from sender.delivery.senders import is_worker_running
from sender.upkeep.list_counts import ask_to_count

P = ParamSpec("P")
T = TypeVar("T")
SAFE = {"GET", "HEAD", "OPTIONS"}
REFRESH = 2  # seconds
TOKEN = "token"  # noqa: S105 - the name of the session's token in the cookie


def database() -> Database:
    """Return the database of this application."""
    return cast(Database, current_app.extensions["daisychain"])


def settings() -> Settings:
    """Return the settings of this application."""
    return database().settings


def engine() -> Engine:
    """Return the engine, for requests and the few functions that need transactions of their own."""
    return database().brief_engine


def connection() -> Connection:
    """Return the connection of this request, in its one transaction."""
    return cast(Connection, g.connection)


def person() -> SignedIn:
    """Return who is signed in; only pages for anybody may be without."""
    assert g.person is not None
    return cast(SignedIn, g.person)


def who_may(name: str) -> str:
    """Return who has a right, to name them to somebody who lacks it: "Priya, Sam"."""
    return ", ".join(names_with(connection(), name)) or "An admin"


def or_404(find: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what a function of a room finds; 404 if there is no such thing."""
    try:
        return find(*arguments, **named)
    except InputError:
        abort(404)


def tell_at(endpoint: str, message: str, **values: Any) -> Any:
    """Lead to a page, which shows a message above."""
    flash(message)
    return redirect(url_for(endpoint, **values))


def note(object_: str = "", **details: Any) -> None:
    """Name the object of this change for the audit log, and what was before and after; no members' data, no secrets."""
    before, known = g.noted or ("", {})
    g.noted = (object_ or before, {**known, **details})


def right(
    name: str, *, fresh: bool = False, before_set_up: bool = False
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let only people with this right see a page; ANYBODY and SIGNED_IN are for pages without a right of their own.

    `fresh` asks for a proof not older than ten minutes, for what can't be undone. `before_set_up` is for the few pages
    that people use whose role needs a second factor which is not set up yet.
    """
    assert name in RIGHTS or name in (ANYBODY, SIGNED_IN), name

    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def inside(*arguments: P.args, **named: P.kwargs) -> Response:
            try:
                with engine().begin() as g.connection:
                    if request.method in SAFE:
                        give_kept(g.connection, ask_to_count)
                    try:
                        answer = make_response(view(*arguments, **named))
                    except BeingCountedError as error:
                        answer = _being_counted(late=error.late)
                    if request.method not in SAFE and (g.noted or answer.status_code >= 400):
                        _record(g.connection, name, "done" if answer.status_code < 400 else "refused")
                    return answer
            except Exception as error:
                if request.method not in SAFE:
                    refused = isinstance(error, DaisychainError | HTTPException)
                    record_alone(name, "refused" if refused else "failed")
                raise

        inside.access = (name, fresh, before_set_up)  # type: ignore[attr-defined]
        return inside

    return decorate


def _being_counted(*, late: bool) -> Response:
    """Say that a large list is being counted; the page loads by itself until it can be shown, or the worker is late."""
    wait = {} if late else {"Refresh": str(REFRESH), "Retry-After": str(REFRESH)}
    page = render_template("desk/being_counted.html", late=late, at_work=is_worker_running(connection()))
    for message in get_flashed_messages():  # of what was done: the page that was asked for shows it, too
        flash(str(message))
    return make_response(page, 503, wait)


def leave_no_line() -> None:
    """Leave the audit log as it is: this request changed nothing, or went on with what has a line already."""
    g.noted = None


def access_of(endpoint: str) -> tuple[str, bool, bool] | None:
    """Return what a page's `@right` says; None if it has none. Files of the look are for anybody."""
    if endpoint == "static":
        return ANYBODY, False, False
    return getattr(current_app.view_functions[endpoint], "access", None)


def record_alone(name: str, outcome: str) -> None:
    """Add a line to the audit log in a transaction of its own."""
    with engine().begin() as alone:
        _record(alone, name, outcome)


def _record(transaction: Connection, name: str, outcome: str) -> None:
    who = g.person
    object_, details = g.noted or ("", {})
    named = " ".join(str(value) for key, value in (request.view_args or {}).items() if key != "token")
    record(
        transaction, who.name if who else "", request.endpoint or "", object_ or named, outcome,
        role=who.role if who else "", network=network_of(request.remote_addr or ""), right=name, details=details,
    )  # fmt: skip
