"""Search, in the top bar: an address, a campaign, a newsletter, an organisation. It is sent, so in no URL."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from accounts.rights import SIGNED_IN
from daisychain.errors import InputError
from desk.access import connection, person, right
from desk.forms import Form
from lists.members import describe_person
from newsletters.stored.newsletters import list_newsletters
from newsletters.toolkits.toolkit import current_day
from partners.organisation_list import OrganisationEntry, OrganisationFilter, find_organisations
from sender.campaigns.campaign_record import list_campaigns

blueprint = Blueprint("search", __name__)
MOST = 20


@blueprint.post("/search")
@right(SIGNED_IN)
def find() -> Any:
    """Show what was found, of what this person may see."""
    form, who, missing = Form("sought"), None, ""
    sought, may = form["sought"], person().may
    is_address = "@" in sought
    if is_address and may("people.see"):
        try:
            who = describe_person(connection(), sought)
        except InputError as error:
            missing = error.message
    words = sought if sought and not is_address else None
    return render_template(
        "desk/search.html", form=form, sought=sought, is_address=is_address, who=who, missing=missing,
        campaigns=list_campaigns(connection(), words=words or "", at_most=MOST)
        if may("campaigns.see") and (words or who) else [],
        partners=_organisations(sought) if sought and may("partners.manage") else [],
        newsletters=list_newsletters(connection(), words)[:MOST] if words and may("newsletters.write") else [],
    )  # fmt: skip


def _organisations(words: str) -> list[OrganisationEntry]:
    """Return the organisations with these words in their names, codes or contacts."""
    return find_organisations(connection(), current_day(), OrganisationFilter(words=words))[:MOST]
