"""Home: what needs me? On the first day: what comes next."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, render_template

from accounts.rights import SIGNED_IN
from desk.access import connection, person, right, settings
from newsletters.stored.manuscripts import name_of_origin
from newsletters.stored.newsletters import UnknownNewsletter, find, list_newsletters
from newsletters.toolkit_store.store import ending_copy
from newsletters.toolkits.toolkit import current_day
from sender.campaigns.approvals import waiting_for
from sender.campaigns.first_steps import find_first_steps
from sender.campaigns.needs import find_needs

blueprint = Blueprint("home", __name__)
SOON = 14  # days before copy ends that somebody has to replace it


@blueprint.get("/")
@right(SIGNED_IN)
def show() -> Any:
    """Show what needs this person: analysts see no campaign under way, as they can do nothing about it."""
    needs = find_needs(connection()) if person().may("campaigns.see") else None
    return render_template(
        "desk/home.html", needs=needs, steps=find_first_steps(connection(), settings()), **_approvals(), **_writing()
    )


def _writing() -> dict[str, Any]:
    """Return what somebody who writes looks for: copy that ends soon, and the newsletters that they changed last."""
    if not person().may("newsletters.write"):
        return {}
    today = current_day()
    return {
        "ending": ending_copy(connection(), today, SOON),
        "today": today,
        "newsletters": list_newsletters(connection(), by=person().name, at_most=5),
    }


def _approvals() -> dict[str, Any]:
    """Return the drafts that wait for this person's yes, each with its newsletter's id and who asked."""
    if not person().may("campaigns.approve"):
        return {"approvals": []}
    found = []
    for draft, asked in waiting_for(connection(), person().name, person().account_id):
        with suppress(UnknownNewsletter):
            found.append((find(connection(), name_of_origin(draft.document)), asked))
    return {"approvals": found}
