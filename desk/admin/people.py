"""People and roles: who may sign in, and what an admin does for colleagues."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for

from accounts.invitations import list_invitations, reset_link
from accounts.sessions import end_sessions
from accounts.staff import Colleague, change_role, find_colleague, list_colleagues, remove_account, reset_factor
from desk.access import connection, note, person, right, settings, tell_at
from desk.admin.invitations import ROLE_CHOICES, give_link, reset_mail
from desk.forms import Form
from sender.system_mail.mail_queue import post_mail, problems_of, provider_is_set

blueprint = Blueprint("people", __name__, url_prefix="/people")


@blueprint.get("")
@right("accounts.manage")
def index() -> Any:
    """List everybody who has an account, and the invitations that nobody has taken yet."""
    return render_template(
        "desk/people/index.html", colleagues=list_colleagues(connection()), invitations=list_invitations(connection()),
        problems=problems_of(connection(), "invitation"),
    )  # fmt: skip


@blueprint.get("/<int:account_id>")
@right("accounts.manage")
def show(account_id: int) -> Any:
    """Show one person."""
    return _page(Form(), account_id)


@blueprint.post("/<int:account_id>/role")
@right("accounts.manage", fresh=True)
def role(account_id: int) -> Any:
    """Change a role; the person signs in again."""
    form, before = Form("role"), _found(account_id)
    with form.check("role"):
        note(before.email, before=before.role, after=form["role"])
        change_role(connection(), account_id, form["role"])
    if form.errors:
        return _page(form, account_id)
    flash(f"{before.name} is now {form['role']}, and signs in again.")
    return redirect(
        url_for("people.show", account_id=account_id) if before.id != person().account_id else url_for("home.show")
    )


@blueprint.post("/<int:account_id>/sessions/end")
@right("accounts.manage")
def end(account_id: int) -> Any:
    """Sign a person out everywhere."""
    note(_found(account_id).email)
    end_sessions(connection(), account_id)
    return tell_at("people.show", "Signed out everywhere.", account_id=account_id)


@blueprint.post("/<int:account_id>/factor/reset")
@right("accounts.manage", fresh=True)
def reset(account_id: int) -> Any:
    """Forget a lost second factor; all admins get a mail about it."""
    colleague = _found(account_id)
    note(colleague.email)
    reset_factor(connection(), account_id)
    for admin in list_colleagues(connection()):
        if admin.role == "admin" and provider_is_set(settings()):
            text = f"{person().name} reset the second factor of {colleague.name} ({colleague.email})."
            post_mail(connection(), settings(), admin.email, "A second factor was reset", [text], kind="notice")
    flash(f"At the next sign-in {colleague.name} sets up another second factor.")
    return redirect(url_for("people.show", account_id=account_id))


@blueprint.post("/<int:account_id>/password")
@right("accounts.manage", fresh=True)
def new_password(account_id: int) -> Any:
    """Mail a link for a new password; on screen only as long as no provider is set."""
    colleague = _found(account_id)
    note(colleague.email)
    made = reset_link(connection(), colleague.email, person().name)
    if made is None:
        abort(404)
    return give_link(made[0], "new password", *reset_mail(), made[1])


@blueprint.post("/<int:account_id>/remove")
@right("accounts.manage", fresh=True)
def remove(account_id: int) -> Any:
    """Remove an account."""
    colleague = _found(account_id)
    note(colleague.email, role=colleague.role)
    remove_account(connection(), account_id)
    return tell_at("people.index", f"{colleague.name}'s account is removed.")


def _found(account_id: int) -> Colleague:
    colleague = find_colleague(connection(), account_id)
    if colleague is None:
        abort(404)
    return colleague


def _page(form: Form, account_id: int) -> Any:
    colleague = _found(account_id)
    form.values.setdefault("role", colleague.role)
    return form.page("desk/people/show.html", colleague=colleague, roles=ROLE_CHOICES)
