"""Toolkits: their copy blocks with version and dates, pictures, and links."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from desk.access import connection, right
from newsletters.toolkit_store.store import UnknownToolkit, list_toolkits, named_toolkit
from newsletters.toolkits.toolkit import current_day

blueprint = Blueprint("toolkits", __name__, url_prefix="/toolkits")


@blueprint.get("")
@right("toolkits.write")
def index() -> Any:
    """List the toolkits that a newsletter can use."""
    return render_template("desk/toolkits/index.html", toolkits=list_toolkits(connection()))


@blueprint.get("/<name>")
@right("toolkits.write")
def show(name: str) -> Any:
    """Show what is in one toolkit."""
    try:
        found = named_toolkit(name, connection())
    except UnknownToolkit:
        abort(404)
    return render_template("desk/toolkits/show.html", toolkit=found, today=current_day())
