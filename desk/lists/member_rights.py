"""Corrections of what is recorded of a member, and their data kept but not used, if they ask for it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from desk.access import connection, note, person, right, tell_at
from desk.forms import Form
from desk.lists.member_page import address_of, member_page
from lists.privacy.corrections import correct_member, restrict_member

blueprint = Blueprint("member_rights", __name__, url_prefix="/members/<int:member_id>")


@blueprint.post("/correct")
@right("lists.write")
def correct(member_id: int) -> Any:
    """Correct what is recorded of a member."""
    email, form = address_of(member_id), Form("because")
    fields = {name.removeprefix("field-"): value for name, value in request.form.items() if name.startswith("field-")}
    with form.check("because"):
        because = form.given("because", "Say why: what the person asked for, and when.")
        changes = correct_member(connection(), email, fields, because=because, by=person().name)
        note(corrected=sorted(changes))
    if form.errors:
        return member_page(form, member_id)
    return tell_at("members.show", "Corrected." if changes else "Nothing was different.", member_id=member_id)


@blueprint.post("/restrict")
@right("privacy.act")
def restrict(member_id: int) -> Any:
    """Keep a member's data and use it for nothing, or use it again."""
    email, form = address_of(member_id), Form("why")
    lift = request.form.get("lift") == "yes"
    with form.check("why"):
        because = form.given("why", "Say why, and when the person asked.")
        restrict_member(connection(), email, not lift, because=because, by=person().name)
        note(restricted=not lift)
    if form.errors:
        return member_page(form, member_id)
    message = "Their data is used again." if lift else "Restricted: their data is kept, and used for nothing."
    return tell_at("members.show", message, member_id=member_id)
