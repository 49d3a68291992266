"""Ask for a new password. The answer is the same for every address: nobody learns who has an account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from accounts.invitations import reset_link
from accounts.limits import MAILS
from accounts.rights import ANYBODY
from daisychain.web.try_limits import within_limits
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
    typed = request.form.get("email", "").strip().lower()
    if provider_is_set(settings()) and within_limits(engine(), (MAILS, typed)):
        with connection().begin_nested() as kept:
            found = reset_link(connection(), typed, "the person")
            address, token = found or (typed, "")
            link = url_for("welcome.show", token=token or "none", _external=True)
            post_mail(connection(), settings(), address, *reset_mail(), kind="new password", link=link)
            if found is None:
                kept.rollback()  # so that an unknown address takes as long
    return render_template("desk/session/sent.html")
