"""Contacts and private links of organisations."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort

from desk.access import connection, note, right, tell_at
from desk.forms import Form
from desk.partners.organisation_page import found, page
from partners.contacts import CHANGES, add_contact, change_contact
from partners.profiles import replace_link

blueprint = Blueprint("partner_contacts", __name__, url_prefix="/partners/<int:organisation_id>")


@blueprint.post("/contacts")
@right("partners.manage")
def add(organisation_id: int) -> Any:
    """Add a contact."""
    profile, form = found(organisation_id), Form("contact_email", "contact_name")
    with form.check("contact_email"):
        new = add_contact(connection(), organisation_id, form["contact_email"], form["contact_name"])
    if form.errors:
        return page(form, profile)
    note(profile.organisation.code, contact="added" if new else "changed")
    return _back(organisation_id, "The contact is added." if new else "The contact was there already.")


@blueprint.post("/contacts/<int:contact_id>/<what>")
@right("partners.manage")
def change(organisation_id: int, contact_id: int, what: str) -> Any:
    """Accept, remove or change a contact."""
    if what not in CHANGES:
        abort(404)
    profile = found(organisation_id)
    contact = change_contact(connection(), organisation_id, contact_id, what) or abort(404)
    note(profile.organisation.code, contact=what)
    return _back(organisation_id, f"{contact.name or contact.email} {CHANGES[what]}.")


@blueprint.post("/link")
@right("partners.manage")
def replace(organisation_id: int) -> Any:
    """Replace the private link; the old one opens nothing from now on."""
    profile = replace_link(connection(), found(organisation_id).organisation.id)
    note(profile.organisation.code, link="replaced")
    message = "The private link is replaced. People who open the old one read that; send them the new one."
    return _back(organisation_id, message)


def _back(organisation_id: int, message: str) -> Any:
    return tell_at("partners.show", message, organisation_id=organisation_id)
