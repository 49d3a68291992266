"""Adoption: which organisations looked at a toolkit, took it and shared it. No contact is in it, so analysts see it."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from desk.access import connection, right
from newsletters.packs.dialects.dialect import dialects
from newsletters.toolkit_store.store import UnknownToolkit, list_toolkits
from partners.adoption import DEFINITIONS, ToolkitAdoption, toolkit_adoption, write_adoption

blueprint = Blueprint("adoption", __name__, url_prefix="/reports/toolkits")
PAGE = 100


@blueprint.get("")
@right("figures.see")
def index() -> Any:
    """List the toolkits, each with how many organisations took an email."""
    found = [toolkit_adoption(connection(), each.name) for each in list_toolkits(connection())]
    return render_template("desk/reports/toolkits.html", toolkits=found)


@blueprint.get("/<name>")
@right("figures.see")
def show(name: str) -> Any:
    """Show the figures of one toolkit, and each organisation; `who` is a figure, and `not` turns it round."""
    adoption, who = _adoption(name), request.args.get("who", "")
    if who and who not in DEFINITIONS:
        abort(404)
    rows = [row for row in adoption.organisations if not who or row.has(who) != ("not" in request.args)]
    codes, after = [row.organisation.code for row in rows], request.args.get("after")
    start = codes.index(after) + 1 if after in codes else 0
    return render_template(
        "desk/reports/adoption.html", adoption=adoption, who=who, turned="not" in request.args, found=len(rows),
        rows=rows[start : start + PAGE], more=len(rows) > start + PAGE, dialects=dialects(),
    )  # fmt: skip


@blueprint.get("/<name>/adoption.csv")
@right("figures.see")
def download(name: str) -> Response:
    """Return a line for each organisation as CSV."""
    out = io.StringIO()
    write_adoption(_adoption(name), out)
    headers = {"Content-Disposition": f'attachment; filename="adoption-{name}.csv"'}
    return Response(out.getvalue(), mimetype="text/csv", headers=headers)


def _adoption(name: str) -> ToolkitAdoption:
    try:
        return toolkit_adoption(connection(), name)
    except UnknownToolkit:
        abort(404)
