"""Before each page: who asks, whether the form is theirs, and what they must do first; what is refused is noted."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError
from itsdangerous import BadSignature
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

from accounts.limits import NETWORK
from accounts.rights import ANYBODY, SIGNED_IN
from accounts.second_factor import TOO_MANY, TOO_MANY_HINT
from accounts.sessions import LONGEST_SECONDS, find_session
from daisychain.web.networks import network_of
from daisychain.web.own_address import ASKED_HOST
from daisychain.web.try_limits import within_limits
from desk.access import SAFE, TOKEN, access_of, engine, record_alone
from desk.account import kept_form

# A page of nothing but words, which a page of ours may show in a frame.
FRAMED = {"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'self'",
          "X-Frame-Options": "SAMEORIGIN"}  # fmt: skip


def admit() -> Response | None:
    """Before each request: find out who asks, and answer in the page's place if they may not see it."""
    g.person, g.noted = None, ("", {})
    if request.endpoint is None:
        return None
    name, fresh, before_set_up = access_of(request.endpoint) or ("", False, False)
    if token := session.get(TOKEN):
        with engine().begin() as g.connection:
            # A page that asks what has changed is no person, and keeps nobody signed in.
            g.person = find_session(g.connection, token, seen=not request.endpoint.endswith(".live"))
    answer, error = None, None
    try:
        _require_own_form(name)
        answer = _show_again_or_none() or _before_page(name, fresh, before_set_up)
    except HTTPException as refused:
        error = refused
    if (answer or error) and g.person and request.method not in SAFE:
        record_alone(name, "refused")
    if error:
        raise error
    return answer


def _require_own_form(name: str) -> None:
    """Refuse what can't be a person's form, and a password that could be read on its way."""
    if not current_app.config["SESSION_COOKIE_SECURE"] and not _is_this_machine(request.environ[ASKED_HOST]):
        abort(400, "This connection is not encrypted: others could read your password. Ask who looks after Daisychain "
                   "to set up an address that begins with https://.")  # fmt: skip
    if "\0" in request.path or any("\0" in f"{name}{value}" for name, value in _typed()):
        abort(400, "This has a sign (NUL) that no text can have.")
    if request.method in SAFE:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(400, "This form was sent from another website.")
    # Each such request leaves a line in the audit log, which nobody can shorten.
    network = network_of(request.remote_addr or "")
    if name == ANYBODY and g.person is None and not within_limits(engine(), (NETWORK, network)):
        abort(429, f"{TOO_MANY} {TOO_MANY_HINT}")


def _typed() -> Iterator[tuple[str, str]]:
    """Yield each field of address and form, which may both have it; a newsletter's own words come back if refused."""
    yield from request.args.items(multi=True)
    for name, value in request.form.items(multi=True):
        yield name, "" if name == "text" or ":" in name else value


def _is_this_machine(host: str) -> bool:
    return urlsplit(f"//{host}").hostname in ("localhost", "127.0.0.1", "::1")


def _show_again_or_none() -> Response | None:
    """Check the form's token, and show a form of another session again."""
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError:
        # The same person may have signed in again in another tab: then what they typed here is not lost.
        if g.person is None or "Sec-Fetch-Site" not in request.headers:
            abort(400, "This page was open for too long. Open it again, and repeat what you did.")
        return kept_form.show_again()
    return None


def _before_page(name: str, fresh: bool, before_set_up: bool) -> Response | None:
    """Return what comes before a page: a sign-in, a second factor, a proof; raises Forbidden without its right."""
    if name == ANYBODY:
        return None
    if g.person is None or not g.person.complete:
        if request.method in SAFE and "HX-Request" in request.headers:
            abort(401, "You have been signed out.")
        if request.headers.get("Sec-Fetch-Dest") == "iframe":  # where the page to sign in must not be shown
            return Response("You have been signed out.\n", 401, FRAMED, content_type="text/plain; charset=utf-8")
        return kept_form.ask("session.sign_in" if g.person is None else "session.code")
    if g.person.lacks_factor and not before_set_up:
        return redirect(url_for("second_factor.show"))
    if name != SIGNED_IN and not (name and g.person.may(name)):
        abort(403, name)
    if fresh and not g.person.fresh and request.method not in SAFE:
        return kept_form.ask("session.prove")
    return None


def token_in(app: Flask, cookies: str) -> str:
    """Return the session's token in the cookies of a request whose body is not read yet; "" if we signed none.

    It may have ended: what was typed is kept over a new sign-in.
    """
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    cookie = parse_cookie(cookies).get(app.config["SESSION_COOKIE_NAME"], "")
    try:
        return str(signer.loads(cookie, max_age=2 * LONGEST_SECONDS).get(TOKEN, "")) if signer else ""
    except BadSignature:
        return ""
