"""People and roles: who may sign in, invitations, and what an admin does for colleagues."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from accounts.invitations import (
    LASTS,
    invite,
    list_invitations,
    reset_link,
    withdraw_invitation,
)
from accounts.rights import ROLE_MEANS, ROLES
from accounts.sessions import end_sessions
from accounts.staff import Colleague, change_role, find_colleague, list_colleagues, remove_account, reset_factor
from desk.access import connection, engine, note, person, right, settings
from desk.forms import Form
from lists.addresses import require_address
from sender.system_mail.mail_queue import post_mail, provider_is_set

blueprint = Blueprint("people", __name__, url_prefix="/people")
ROLE_CHOICES = [(role, role, ROLE_MEANS[role]) for role in ROLES]


@blueprint.get("")
@right("accounts.manage")
def index() -> Any:
    """List everybody who has an account, and the invitations that nobody has taken yet."""
    found = {"colleagues": list_colleagues(connection()), "invitations": list_invitations(connection())}
    return render_template("desk/people/index.html", **found)


@blueprint.get("/invite")
@right("accounts.manage")
def ask() -> Any:
    """Ask who to invite, and for what."""
    return Form(role="editor").page("desk/people/invite.html", roles=ROLE_CHOICES)


@blueprint.post("/invite")
@right("accounts.manage", fresh=True)
def invite_() -> Any:
    """Mail an invitation; the link is on screen only as long as no provider is set."""
    form, token = Form("email", "role"), ""
    with form.check("email"):
        address = require_address(form["email"]).key
        note(address, role=form["role"])
        token = invite(connection(), address, form["role"], person().name)
    if not token:
        return form.page("desk/people/invite.html", roles=ROLE_CHOICES)
    hours = LASTS["invitation"].total_seconds() / 3600
    return _given(
        address, "invitation", f"{person().name} invites you to Daisychain",
        [f"{person().name} invites you to write and send newsletters with Daisychain, as {form['role']}.",
         f"This link makes your account. It works once, for {hours:.0f} hours:"],
        url_for("welcome.show", token=token, _external=True),
    )  # fmt: skip


@blueprint.post("/invitations/<int:link_id>/withdraw")
@right("accounts.manage")
def withdraw(link_id: int) -> Any:
    """End an invitation."""
    withdraw_invitation(connection(), link_id)
    flash("The invitation is withdrawn.")
    return redirect(url_for("people.index"))


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
    flash("Signed out everywhere.")
    return redirect(url_for("people.show", account_id=account_id))


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
    token = reset_link(engine(), colleague.email, request.remote_addr or "")
    if token is None:
        abort(429, "There were too many links for this person in the last hour.")
    return _given(colleague.email, "new password", *reset_mail(), url_for("welcome.show", token=token, _external=True))


@blueprint.post("/<int:account_id>/remove")
@right("accounts.manage", fresh=True)
def remove(account_id: int) -> Any:
    """Remove an account."""
    colleague = _found(account_id)
    note(colleague.email, role=colleague.role)
    remove_account(connection(), account_id)
    flash(f"{colleague.name}'s account is removed.")
    return redirect(url_for("people.index"))


def reset_mail() -> tuple[str, list[str]]:
    """Return subject and text of the mail with a link for a new password."""
    return "A new password for Daisychain", [
        "Somebody, probably you, asked for a new password. If it was not you, do nothing.",
        "This link lets you choose one. It works once, for an hour:",
    ]


def _given(address: str, kind: str, subject: str, paragraphs: list[str], link: str) -> Any:
    """Mail a link, or show it if no mail leaves here."""
    mailed = provider_is_set(settings())
    if mailed:
        post_mail(connection(), settings(), address, subject, paragraphs, kind=kind, link=link)
    return render_template("desk/people/given.html", address=address, kind=kind, link="" if mailed else link)


def _found(account_id: int) -> Colleague:
    colleague = find_colleague(connection(), account_id)
    if colleague is None:
        abort(404)
    return colleague


def _page(form: Form, account_id: int) -> Any:
    colleague = _found(account_id)
    form.values.setdefault("role", colleague.role)
    return form.page("desk/people/show.html", colleague=colleague, roles=ROLE_CHOICES)
