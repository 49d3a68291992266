"""Set up one's own second factor, and make new recovery codes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from accounts.credentials import totp_picture, written_secret
from accounts.rights import SIGNED_IN
from accounts.second_factor import offer_secret, offered_secret, renew_recovery_codes, set_up_factor
from accounts.sessions import end_sessions, renew_session
from desk.access import connection, person, right, settings
from desk.account.session import remember
from desk.forms import Form

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")


@blueprint.get("")
@right(SIGNED_IN, before_set_up=True)
def show() -> Any:
    """Show a new secret as a picture to scan."""
    return _page(Form(offered=offer_secret(settings())[1]))


@blueprint.post("")
@right(SIGNED_IN, fresh=True, before_set_up=True)
def confirm() -> Any:
    """Keep the secret once the app's first code is right, and show the recovery codes once."""
    form, codes = Form("offered"), []
    with form.check("code"):
        code = request.form.get("code", "")
        codes = set_up_factor(connection(), settings(), person().account_id, form["offered"], code)
    if not codes:
        return _page(form)
    end_sessions(connection(), person().account_id, but=person().session_id)
    remember(renew_session(connection(), person().session_id))
    return render_template("desk/account/recovery_codes.html", codes=codes)


@blueprint.post("/recovery-codes")
@right(SIGNED_IN, fresh=True)
def renew() -> Any:
    """Replace the recovery codes, and show the new ones once."""
    codes = renew_recovery_codes(connection(), person().account_id)
    return render_template("desk/account/recovery_codes.html", codes=codes)


def _page(form: Form) -> Any:
    secret = offered_secret(settings(), form["offered"])
    picture = totp_picture(secret, person().email, settings().pages_url.partition("://")[2])
    return form.page("desk/account/second_factor.html", picture=picture, written=written_secret(secret))
