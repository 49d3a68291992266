"""The choice of how a list's reading is recorded, kept with who decided it and why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, url_for

from daisychain.errors import InputError
from desk.access import connection, note, person, right
from desk.forms import Form
from lists.lists import decide_tracking, find_list

blueprint = Blueprint("list_tracking", __name__, url_prefix="/lists/<name>/tracking")


@blueprint.get("")
@right("lists.write")
def ask(name: str) -> Any:
    """Ask for the mode, with what each one means."""
    return _page(name, Form(tracking=_list(name)["tracking"]))


@blueprint.post("")
@right("lists.write")
def decide(name: str) -> Any:
    """Keep a decision, from the next campaign on."""
    _list(name)
    form = Form("tracking", "because")
    with form.check("because" if not form["because"] else "tracking"):
        decide_tracking(connection(), name, form["tracking"], decided_by=person().name, because=form["because"])
        note(f"list {name}", tracking=form["tracking"])
    if form.errors:
        return _page(name, form)
    flash("It is kept. The next campaign to this list goes by it.")
    return redirect(url_for("lists.show", name=name))


def _list(name: str) -> Any:
    try:
        return find_list(connection(), name)
    except InputError:
        abort(404)


def _page(name: str, form: Form) -> Any:
    return form.page("desk/lists/tracking.html", list=_list(name))
