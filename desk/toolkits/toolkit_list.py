"""The list of toolkits, and the form that begins one; its files go to `toolkit_uploads.py`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from desk.access import connection, right
from desk.forms import Form
from newsletters.toolkit_drafts.publishing import list_drafts

blueprint = Blueprint("toolkits", __name__, url_prefix="/toolkits")


@blueprint.get("")
@right("toolkits.write")
def index() -> Any:
    """List the toolkits, also those that nobody else sees yet."""
    return render_template("desk/toolkits/index.html", toolkits=list_drafts(connection()))


# No toolkit has such a name.
@blueprint.get("/_/new")
@right("toolkits.write")
def new() -> Any:
    """Ask for a name, a picture, two colours and the text."""
    return Form(primary="#1f5f4f", accent="#b3541e").page("desk/toolkits/new.html")
