"""Outdated copy: organisations that hold packs which changed, expired or were withdrawn, and the mail that says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, redirect, request, url_for

from desk.access import connection, note, person, right
from desk.forms import Form
from desk.partners.write_hand_out import usual_sender
from newsletters.toolkits.toolkit import current_day
from partners.changes import OrganisationChanges, find_changes
from partners.hand_out import keep_hand_out
from partners.hand_out_message import changes_message
from partners.hand_out_people import OrganisationChoice

blueprint = Blueprint("outdated", __name__, url_prefix="/partners/changes")
PAGE = 50


@blueprint.get("")
@right("partners.manage")
def index() -> Any:
    """List them, each once; `after` is the code to go on from."""
    return _page(Form())


@blueprint.post("/tell")
@right("partners.manage")
def tell() -> Any:
    """Make a hand-out that lists to each organisation what it has not heard yet, and lead to its examples."""
    form = Form("toolkit")
    kept = None
    with form.check("toolkit"):
        message = changes_message(form["toolkit"], usual_sender())
        kept = keep_hand_out(connection(), message, OrganisationChoice(), who=person().name)
    if kept is None:
        return _page(form)
    note(f"hand-out {kept.id}", toolkit=kept.toolkit)
    return redirect(url_for("look_hand_out.look", hand_out_id=kept.id))


def _page(form: Form) -> Any:
    every = find_changes(connection(), current_day())
    codes = [each.organisation.code for each in every]
    after = request.args.get("after")
    start = codes.index(after) + 1 if after in codes else 0
    return form.page(
        "desk/partners/outdated.html", shown=every[start : start + PAGE], total=len(every),
        more=len(every) > start + PAGE, untold=_untold(every),
    )  # fmt: skip


def _untold(every: list[OrganisationChanges]) -> dict[str, int]:
    """Count the organisations to tell, by toolkit: each has a mail of its own, in its look."""
    told = [{change.pack.toolkit for change in each.untold} for each in every if each.contacts]
    return dict(sorted(Counter(toolkit for toolkits in told for toolkit in toolkits).items()))
