"""Logos of organisations, by upload."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from desk.access import connection, note, person, right, tell_at
from desk.forms import Form, chosen_file
from desk.partners.organisation_page import found, page
from newsletters.logo_files.logo_file import LARGEST_LOGO
from partners.organisation_logos import LOGO_FORMS, remove_logo, save_logo

blueprint = Blueprint("partner_logos", __name__, url_prefix="/partners/<int:organisation_id>/logos/<kind>")


@blueprint.post("")
@right("partners.manage")
def upload(organisation_id: int, kind: str) -> Any:
    """Keep a logo, cut to its ink; say what to know of it."""
    profile, form = _asked(organisation_id, kind), Form()
    with form.check(kind):
        _, content = chosen_file("file", LARGEST_LOGO, "No picture was chosen.")
        _, about = save_logo(connection(), profile.organisation, kind, content, person().name)
    if form.errors:
        return page(form, profile)
    note(profile.organisation.code, logo=kind)
    return tell_at("partners.show", " ".join(["The logo is kept.", *about]), organisation_id=organisation_id)


@blueprint.post("/remove")
@right("partners.manage")
def remove(organisation_id: int, kind: str) -> Any:
    """Let the organisation be without this logo."""
    profile = _asked(organisation_id, kind)
    remove_logo(connection(), organisation_id, kind, person().name)
    note(profile.organisation.code, logo=f"{kind} removed")
    return redirect(url_for("partners.show", organisation_id=organisation_id))


def _asked(organisation_id: int, kind: str) -> Any:
    return found(organisation_id) if kind in LOGO_FORMS else abort(404)
