"""Invite people, and give out links: by mail, or on screen as long as no provider is set."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for

from accounts.invitations import LASTS, invite, withdraw_invitation
from accounts.rights import ROLE_MEANS, ROLES
from desk.access import connection, note, person, right, settings, tell_at
from desk.forms import Form
from lists.addresses import require_address
from sender.system_mail.mail_queue import post_mail, provider_is_set

blueprint = Blueprint("invitations", __name__, url_prefix="/people/invite")
ROLE_CHOICES = [(role, role, ROLE_MEANS[role]) for role in ROLES]


@blueprint.get("")
@right("accounts.manage")
def ask() -> Any:
    """Ask who to invite, and for what."""
    return Form(role="editor").page("desk/people/invite.html", roles=ROLE_CHOICES)


@blueprint.post("")
@right("accounts.manage", fresh=True)
def give() -> Any:
    """Mail an invitation; the link is on screen only as long as no provider is set."""
    form, token = Form("email", "role"), ""
    with form.check("email"):
        address = require_address(form["email"]).key
        note(address, role=form["role"])
        token = invite(connection(), address, form["role"], person().name)
    if not token:
        return form.page("desk/people/invite.html", roles=ROLE_CHOICES)
    hours = LASTS["invitation"].total_seconds() / 3600
    return give_link(
        address, "invitation", f"{person().name} invites you to Daisychain",
        [f"{person().name} invites you to write and send newsletters with Daisychain, as {form['role']}.",
         f"This link makes your account. It works once, for {hours:.0f} hours:"],
        token,
    )  # fmt: skip


@blueprint.post("/<int:link_id>/withdraw")
@right("accounts.manage")
def withdraw(link_id: int) -> Any:
    """End an invitation."""
    withdraw_invitation(connection(), link_id)
    return tell_at("people.index", "The invitation is withdrawn.")


def reset_mail() -> tuple[str, list[str]]:
    """Return subject and text of the mail with a link for a new password."""
    return "A new password for Daisychain", [
        "Somebody, probably you, asked for a new password. If it was not you, do nothing.",
        "This link lets you choose one. It works once, for an hour:",
    ]


def give_link(address: str, kind: str, subject: str, paragraphs: list[str], token: str) -> Any:
    """Mail a link, or show it if no mail leaves here."""
    link = url_for("welcome.show", token=token, _external=True)
    mailed = provider_is_set(settings())
    if mailed:
        post_mail(connection(), settings(), address, subject, paragraphs, kind=kind, link=link)
    return render_template("desk/people/given.html", address=address, kind=kind, link="" if mailed else link)
