"""Partners: the organisations, their packs, and whose are stale."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request

from desk.access import connection, right
from newsletters.packs.partner_codes import name_key
from newsletters.packs.partner_list import list_partners
from newsletters.toolkits.toolkit import current_day

blueprint = Blueprint("partners", __name__, url_prefix="/partners")
PAGE = 50


@blueprint.get("")
@right("partners.manage")
def index() -> Any:
    """List the organisations, or only partners with stale packs; `after` is the name to go on from."""
    stale, after = "stale" in request.args, request.args.get("after")
    every = list_partners(connection(), current_day())
    named = [each for each in every if each.stale or not stale]
    names = [each.name for each in named]
    start = names.index(after) + 1 if after in names else 0
    return render_template(
        "desk/partners/index.html", partners=named[start : start + PAGE], stale=stale, total=len(every),
        stale_total=sum(each.stale is not None for each in every), more=len(named) > start + PAGE,
    )  # fmt: skip


@blueprint.get("/packs")
@right("partners.manage")
def show() -> Any:
    """Show the packs of one organisation, or those without branding."""
    key = name_key(request.args.get("name", ""))
    found = [each for each in list_partners(connection(), current_day()) if name_key(each.name) == key]
    if not found:
        abort(404)
    return render_template("desk/partners/show.html", partner=found[0], packs=found[0].packs[-PAGE:])
