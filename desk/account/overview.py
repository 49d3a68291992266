"""One's own account: password, second factor, and the browsers that are signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from accounts.rights import ROLE_MEANS, SIGNED_IN
from accounts.second_factor import count_recovery_codes
from accounts.sessions import end_session, end_sessions, list_sessions
from accounts.sign_in import change_password
from desk.access import connection, engine, person, right, tell_at
from desk.account.session import caller, remember
from desk.forms import Form, asked_number

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@right(SIGNED_IN)
def show() -> Any:
    """Show password, second factor and sessions."""
    return _page(Form())


@blueprint.post("/password")
@right(SIGNED_IN)
def new_password() -> Any:
    """Change the password; all other browsers are signed out."""
    form, token = Form(), ""
    with form.check("password"):
        typed = request.form.get("old", ""), request.form.get("password", "")
        token = change_password(engine(), person(), *typed, caller())
    if not token:
        return _page(form)
    remember(token)
    return tell_at("account.show", "Your password is changed, and your other browsers are signed out.")


@blueprint.post("/sessions/end")
@right(SIGNED_IN)
def end() -> Any:
    """Sign one browser out, or all others."""
    if "session" in request.form:
        end_session(connection(), person().account_id, asked_number("session") or 0)
        flash("That browser is signed out.")
    else:
        end_sessions(connection(), person().account_id, but=person().session_id)
        flash("Your other browsers are signed out.")
    return redirect(url_for("account.show"))


def _page(form: Form) -> Any:
    return form.page(
        "desk/account/show.html", means=ROLE_MEANS[person().role],
        sessions=list_sessions(connection(), person().account_id),
        codes=count_recovery_codes(connection(), person().account_id),
    )  # fmt: skip
