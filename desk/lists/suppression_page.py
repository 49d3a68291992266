"""Suppressions: is an address one that no list may mail, and why; adding one, and lifting one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from daisychain.errors import InputError
from desk.access import connection, note, person, right, tell_at
from desk.forms import Form
from lists.addresses import require_address
from lists.members import describe_person
from lists.suppression import STRONG_REASONS, suppress, unsuppress

blueprint = Blueprint("suppressions", __name__, url_prefix="/suppressions")


@blueprint.get("")
@right("people.see")
def index() -> Any:
    """Ask for an address."""
    return _page(Form())


@blueprint.post("/find")
@right("people.see")
def find() -> Any:
    """Show whether an address is suppressed, and since when and why."""
    note("an address")
    form = Form("email")
    with form.check("email"):
        require_address(form["email"])
    return _page(form, look=True)


@blueprint.post("/add")
@right("lists.write")
def add() -> Any:
    """Suppress an address."""
    form = Form("email", "reason")
    note("an address")
    with form.check("reason"):
        reason = form.given("reason", "Say why, such as: asked by phone, 3 May.")
        new = suppress(connection(), form["email"], reason, source=person().name)
        note(suppressed=new)
    if form.errors:
        return _page(form, look=True)
    message = "Suppressed: no list mails this address." if new else "It was suppressed already."
    return tell_at("suppressions.index", message)


@blueprint.post("/lift")
@right("privacy.act", fresh=True)
def lift() -> Any:
    """Lift the suppression of an address; a complaint and a bounce need a tick of their own."""
    form = Form("email", "because", "although")
    note("an address")
    with form.check("because"):
        because = form.given("because", "Say why: what was wrong with it, or what the person asked for.")
        although = set(STRONG_REASONS) if form["although"] else set()
        note(lifted=unsuppress(connection(), form["email"], because=because, although=although))
    if form.errors:
        return _page(form, look=True)
    return tell_at("suppressions.index", "Lifted: lists may mail this address again.")


def _page(form: Form, *, look: bool = False) -> Any:
    who: dict[str, Any] | None = None
    if look:
        try:
            who = describe_person(connection(), form["email"])
        except InputError as error:
            form.values["missing"] = error.message
    return form.page("desk/lists/suppressions.html", who=who)
