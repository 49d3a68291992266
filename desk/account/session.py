"""Sign in and out, give the second factor, and prove again who you are."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from flask import session as cookie

from accounts.rights import ANYBODY, SIGNED_IN
from accounts.sessions import SignedIn, end_session, find_session
from accounts.sign_in import Caller, give_code, prove_by_password
from accounts.sign_in import sign_in as start_sign_in
from desk.access import TOKEN, connection, engine, person, right, settings, tell_at
from desk.account import kept_form
from desk.forms import Form

blueprint = Blueprint("session", __name__)


def caller() -> Caller:
    """Return where this request comes from."""
    return Caller(request.remote_addr or "", request.user_agent.string)


def remember(token: str) -> SignedIn:
    """Give the browser a session's token, in a fresh cookie: what was in the old one is worth nothing any more."""
    found = find_session(connection(), token)
    assert found is not None
    if g.person and g.person.session_id != found.session_id:
        end_session(connection(), g.person.account_id, g.person.session_id)
    cookie.clear()
    cookie[TOKEN], cookie[kept_form.OWNER] = token, found.account_id
    g.person = found
    return found


@blueprint.get("/sign-in")
@right(ANYBODY)
def sign_in() -> Any:
    """Ask for address and password."""
    return Form(to=request.args.get("to", "")).page("desk/session/sign_in.html")


@blueprint.post("/sign-in")
@right(ANYBODY)
def check_password() -> Any:
    """Take address and password; then the second factor is asked for, if one is set up."""
    form, token = Form("email", "to", "kept"), ""
    with form.check("email"):
        token = start_sign_in(engine(), form["email"], request.form.get("password", ""), caller())
    if not token:
        return form.page("desk/session/sign_in.html")
    if remember(token).complete:
        return kept_form.go_on(form["kept"], form["to"])
    return Form(to=form["to"], kept=form["kept"]).page("desk/session/code.html")


@blueprint.get("/sign-in/code")
@right(ANYBODY)
def code() -> Any:
    """Ask for the second factor."""
    return Form(to=request.args.get("to", "")).page("desk/session/code.html")


@blueprint.post("/sign-in/code")
@right(ANYBODY)
def check_code() -> Any:
    """Take the second factor, which completes the sign-in."""
    form, token = Form("to", "kept"), ""
    if g.person is None:
        return redirect(url_for("session.sign_in", to=form["to"]))
    with form.check("code"):
        token = give_code(engine(), settings(), person(), request.form.get("code", ""))
    if not token:
        return form.page("desk/session/code.html")
    remember(token)
    return kept_form.go_on(form["kept"], form["to"])


@blueprint.get("/prove")
@right(SIGNED_IN)
def prove() -> Any:
    """Ask again who it is, before something that can't be undone."""
    return Form(to=request.args.get("to", "")).page("desk/session/prove.html")


@blueprint.post("/prove")
@right(SIGNED_IN, before_set_up=True)
def check_proof() -> Any:
    """Take a code or, without a second factor, the password."""
    form, token, typed = Form("to", "kept"), "", request.form.get("proof", "")
    with form.check("proof"):
        if person().has_factor:
            token = give_code(engine(), settings(), person(), typed)
        else:
            token = prove_by_password(engine(), person(), typed, caller())
    if not token:
        return form.page("desk/session/prove.html")
    remember(token)
    return kept_form.go_on(form["kept"], form["to"])


@blueprint.post("/sign-out")
@right(SIGNED_IN, before_set_up=True)
def sign_out() -> Any:
    """End this session."""
    end_session(connection(), person().account_id, person().session_id)
    cookie.clear()
    return tell_at("session.sign_in", "You are signed out.")
