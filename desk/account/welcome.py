"""Take an invitation, or a link for a new password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, request, url_for

from accounts.invitations import MAKES_ACCOUNT, find_link, require_good_name, take_link
from accounts.rights import ANYBODY, ROLE_MEANS
from accounts.sessions import start_session
from accounts.staff import find_colleague
from desk.access import connection, note, right
from desk.account.session import caller, remember
from desk.forms import Form

blueprint = Blueprint("welcome", __name__, url_prefix="/welcome")


@blueprint.get("/<token>")
@right(ANYBODY)
def show(token: str) -> Any:
    """Ask for a name and a password. Programs that visit links in mails use none up: this changes nothing."""
    return _page(Form(), token)


@blueprint.post("/<token>")
@right(ANYBODY)
def take(token: str) -> Any:
    """Make the account, or change the password, and sign in; the second factor comes next if one is set up."""
    form, account_id = Form("name"), 0
    link = find_link(connection(), token)
    note(link.email)
    with form.check("name"):
        if link.kind in MAKES_ACCOUNT:
            require_good_name(connection(), form["name"])
    with form.check("password"):
        if not form.errors:
            account_id = take_link(connection(), token, form["name"], request.form.get("password", ""))
    if not account_id:
        return _page(form, token)
    colleague = find_colleague(connection(), account_id)
    assert colleague is not None
    # A new password never replaces the second factor. The demo's admin has no phone, and only invented people.
    demo = link.kind == "demo"
    remember(start_session(
        connection(), account_id, caller().address, caller().browser,
        complete=demo or not colleague.has_factor, always_fresh=demo,
    ))  # fmt: skip
    return redirect(url_for("home.show" if g.person.complete else "session.code"))


def _page(form: Form, token: str) -> Any:
    link = find_link(connection(), token)
    return form.page("desk/welcome.html", link=link, token=token, means=ROLE_MEANS.get(link.role, ""))
