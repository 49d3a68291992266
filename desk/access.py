"""Access to pages: each names its right, and the audit log gets a line for each change.

A page is a view below `@blueprint.get(…)` or `@blueprint.post(…)`, then `@right("campaigns.pause")`, then the function.
A page without a right is refused, and fails a test. In a page, `person()` is who asks, `connection()` is the
transaction of this request (kept if the page returns, rolled back if it raises), and `note(…)` adds to the audit line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

from flask import Response, abort, current_app, g, make_response, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from accounts.audit import Entry, record_entry
from accounts.limits import network_of
from accounts.rights import ANYBODY, RIGHTS, SIGNED_IN
from accounts.sessions import SignedIn, find_session
from accounts.staff import names_with
from daisychain.database import Database
from daisychain.errors import DaisychainError
from daisychain.settings import Settings
from desk.account import kept_form
from lists.kept_figures import give_kept
from sender.upkeep.list_counts import ask_to_count

P = ParamSpec("P")
SAFE = {"GET", "HEAD", "OPTIONS"}
TOKEN = "token"  # noqa: S105 - the name of the session's token in the cookie


def database() -> Database:
    """Return the database of this application."""
    return cast(Database, current_app.extensions["daisychain"])


def settings() -> Settings:
    """Return the settings of this application."""
    return database().settings


def engine() -> Engine:
    """Return the engine, for the few functions that need transactions of their own."""
    return database().engine


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
                    answer = make_response(view(*arguments, **named))
                    if request.method not in SAFE and (g.noted or answer.status_code >= 400):
                        _record(g.connection, name, "done" if answer.status_code < 400 else "refused")
                    return answer
            except Exception as error:
                if request.method not in SAFE:
                    refused = isinstance(error, DaisychainError | HTTPException)
                    _record_alone(name, "refused" if refused else "failed")
                raise

        inside.access = (name, fresh, before_set_up)  # type: ignore[attr-defined]
        return inside

    return decorate


def leave_no_line() -> None:
    """Leave the audit log as it is: this request changed nothing, or went on with what has a line already."""
    g.noted = None


def access_of(endpoint: str) -> tuple[str, bool, bool] | None:
    """Return what a page's `@right` says; None if it has none. Files of the look are for anybody."""
    if endpoint == "static":
        return ANYBODY, False, False
    return getattr(current_app.view_functions[endpoint], "access", None)


def admit() -> AnyResponse | None:
    """Before each request: find out who asks, and answer in the page's place if they may not see it."""
    g.person, g.noted = None, ("", {})
    if request.method not in SAFE and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(400, "This form was sent from another website.")
    if request.endpoint is None:
        return None
    name, fresh, before_set_up = access_of(request.endpoint) or ("", False, False)
    if token := session.get(TOKEN):
        with engine().begin() as g.connection:
            g.person = find_session(g.connection, token)
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError:
        # The same person may have signed in again in another tab: then what they typed here is not lost.
        if g.person is None or "Sec-Fetch-Site" not in request.headers:
            abort(400, "This page was open for too long. Open it again, and repeat what you did.")
        return kept_form.show_again()
    if name == ANYBODY:
        return None
    if g.person is None or not g.person.complete:
        return kept_form.ask("session.sign_in" if g.person is None else "session.code")
    if g.person.lacks_factor and not before_set_up:
        return redirect(url_for("second_factor.show"))
    if name != SIGNED_IN and not (name and g.person.may(name)):
        if request.method not in SAFE:
            _record_alone(name, "refused")
        abort(403, name)
    if fresh and not g.person.fresh and request.method not in SAFE:
        return kept_form.ask("session.prove")
    return None


def _record_alone(name: str, outcome: str) -> None:
    with engine().begin() as alone:
        _record(alone, name, outcome)


def _record(transaction: Connection, name: str, outcome: str) -> None:
    who = g.person
    object_, details = g.noted or ("", {})
    named = " ".join(str(value) for key, value in (request.view_args or {}).items() if key != "token")
    record_entry(transaction, Entry(
        who.name if who else "", who.role if who else "", network_of(request.remote_addr or ""), name,
        request.endpoint or "", object_ or named, outcome, details,
    ))  # fmt: skip
