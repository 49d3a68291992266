"""Home: what needs me? On the first day: what comes next."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, render_template

from accounts.rights import SIGNED_IN
from desk.access import connection, person, right, settings
from lists.privacy.complaints import open_complaints
from lists.uploads.import_drafts import waiting_drafts
from newsletters.stored.manuscripts import name_of_origin
from newsletters.stored.newsletters import UnknownNewsletter, find, list_newsletters
from newsletters.toolkit_store.store import ending_copy
from newsletters.toolkits.toolkit import current_day
from partners.changes import find_changes
from sender.campaigns.approvals import KeptApproval, answered_for, waiting_for
from sender.campaigns.campaign_record import CampaignRecord
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
        "desk/home.html", needs=needs, steps=find_first_steps(connection(), settings()),
        imports=waiting_drafts(connection(), by=person().name) if person().may("lists.write") else [],
        **_complaints(), **_approvals(), **_writing(), **_outdated(),
    )  # fmt: skip


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


def _complaints() -> dict[str, Any]:
    """Return the complaints about data protection that nobody has acknowledged."""
    return {"complaints": open_complaints(connection())} if person().may("privacy.act") else {}


def _outdated() -> dict[str, int]:
    """Count the organisations that hold outdated copy, and those that no mail has reached about it."""
    if not person().may("partners.manage"):
        return {}
    changes = find_changes(connection(), current_day())
    return {"outdated": len(changes), "unaware": sum(bool(each.untold) for each in changes)}


def _approvals() -> dict[str, Any]:
    """Return the drafts that wait for this person's yes, and those to which somebody has answered this person."""
    found: dict[str, list[Any]] = {"approvals": [], "answered": []}
    if person().may("campaigns.approve"):
        found["approvals"] = _of_newsletters(waiting_for(connection(), person().name, person().account_id))
    if person().may("campaigns.prepare"):
        found["answered"] = _of_newsletters(answered_for(connection(), person().account_id))
    return found


def _of_newsletters(drafts: list[tuple[CampaignRecord, KeptApproval]]) -> list[Any]:
    found = []
    for draft, asked in drafts:
        with suppress(UnknownNewsletter):
            found.append((find(connection(), name_of_origin(draft.document)), asked))
    return found
