"""Ask for a new password. The answer is the same for every address: nobody learns who has an account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from accounts.invitations import reset_link
from accounts.rights import ANYBODY
from desk.access import connection, engine, right, settings
from desk.admin.invitations import reset_mail
from desk.forms import Form
from sender.system_mail.mail_queue import post_mail, provider_is_set

blueprint = Blueprint("forgotten", __name__, url_prefix="/forgotten")


@blueprint.get("")
@right(ANYBODY)
def show() -> Any:
    """Ask for the address; without a provider, only an admin can give out a link."""
    return Form().page("desk/session/forgotten.html", mailed=provider_is_set(settings()))


@blueprint.post("")
@right(ANYBODY)
def send() -> Any:
    """Mail a link if there is such an account."""
    address = request.form.get("email", "")
    token = reset_link(engine(), address, request.remote_addr or "") if provider_is_set(settings()) else None
    if token:
        link = url_for("welcome.show", token=token, _external=True)
        subject, paragraphs = reset_mail()
        post_mail(connection(), settings(), address.strip(), subject, paragraphs, kind="new password", link=link)
    return render_template("desk/session/sent.html")
