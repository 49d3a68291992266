"""Lists: who they are for, how many people, by state and by the ground on which they may be mailed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from daisychain.errors import InputError
from desk.access import connection, right
from lists.overview import overview, overview_of_all

blueprint = Blueprint("lists", __name__, url_prefix="/lists")


@blueprint.get("")
@right("lists.see")
def index() -> Any:
    """Show all lists."""
    return render_template("desk/lists/index.html", lists=overview_of_all(connection()))


@blueprint.get("/<name>")
@right("lists.see")
def show(name: str) -> Any:
    """Show one list."""
    try:
        found = overview(connection(), name)
    except InputError:
        abort(404)
    return render_template("desk/lists/show.html", list=found)
