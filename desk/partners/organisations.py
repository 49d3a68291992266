"""Organisations: the list with its filters, and the page of each with its details."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from daisychain.web.row_numbers import row_number
from desk.access import connection, note, person, right
from desk.forms import Form
from desk.partners.organisation_page import found, page, typed_notes
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.partner_list import packs_by_partner
from newsletters.toolkits.toolkit import current_day
from partners.applications import count_applications
from partners.organisation_list import OrganisationFilter, choices, newsletters_of, organisations_page
from partners.profile_values import FIELDS, ProfileError
from partners.profiles import ProfileChangedError, add_organisation, save_profile
from partners.registry import organisation_named

blueprint = Blueprint("partners", __name__, url_prefix="/partners")
PAGE = 50


@blueprint.get("")
@right("partners.manage")
def index() -> Any:
    """List the organisations that fit the filters; `after` is the code to go on from."""
    names = ("words", "tool", "language", "region", "has", "has_not")
    asked = {name: request.args.get(name, "").strip() for name in names}
    # Addresses are in no URL: the search at the top of each page finds contacts.
    by_address = "@" in asked["words"]
    wanted = OrganisationFilter(**asked | ({"words": ""} if by_address else {}), stale="stale" in request.args)
    after = request.args.get("after", "")
    page = organisations_page(connection(), current_day(), wanted, after=after, most=PAGE)
    known, made = page.known, packs_by_partner(connection(), current_day())
    query = {name: value for name, value in asdict(wanted).items() if value}
    return render_template(
        "desk/partners/index.html", partners=page.entries, found=page.found, total=len(known),
        more=page.more, wanted=wanted, query=query, by_address=by_address, dialects=dialects(),
        tools=choices(known, "tool"), languages=choices(known, "languages"), regions=choices(known, "region"),
        newsletters=newsletters_of(made), unbranded=made.get(""), applications=count_applications(connection()),
    )  # fmt: skip


@blueprint.get("/packs")
@right("partners.manage")
def packs() -> Any:
    """Show packs without branding; with a name in the address, as in older links, lead to its organisation."""
    if name := request.args.get("name", ""):
        organisation = organisation_named(connection(), name) or abort(404)
        return redirect(url_for("partners.show", organisation_id=organisation.id))
    made = packs_by_partner(connection(), current_day()).get("") or abort(404)
    return render_template("desk/partners/unbranded.html", made=made)


@blueprint.get("/new")
@right("partners.manage")
def ask() -> Any:
    """Ask for the name of a new organisation."""
    return render_template("desk/partners/new.html", form=Form())


@blueprint.post("/new")
@right("partners.manage")
def add() -> Any:
    """Add an organisation, and lead to its page."""
    form = Form("name")
    with form.check("name"):
        profile = add_organisation(connection(), {"name": form["name"]}, person().name)
    if form.errors:
        return form.page("desk/partners/new.html", same=organisation_named(connection(), form["name"]))
    note(profile.organisation.code, name=profile.organisation.name)
    flash(f"{profile.organisation.name} is added. Its code is {profile.organisation.code}.")
    return redirect(url_for("partners.show", organisation_id=profile.organisation.id))


@blueprint.get("/<int:organisation_id>")
@right("partners.manage")
def show(organisation_id: int) -> Any:
    """Show one organisation."""
    return page(Form(), found(organisation_id))


@blueprint.post("/<int:organisation_id>")
@right("partners.manage")
def save(organisation_id: int) -> Any:
    """Save the details; if somebody saved meanwhile, show both."""
    profile = found(organisation_id)
    notes = {name: f"note:{name}" for name in profile.notes}
    form = Form("base", *FIELDS, *notes.values(), "note_name", "note_text")
    values: Mapping[str, str] = {field: form[field] for field in FIELDS}
    try:
        version = row_number(form["base"])
        base = -1 if version is None else version
        saved = save_profile(
            connection(), organisation_id, values, person().name, base=base, notes=typed_notes(form, notes)
        )
    except ProfileError as error:
        form.errors |= error.problems
        return page(form, profile)
    except ProfileChangedError as error:
        return page(form, error.theirs, collided=True)
    if saved.version == profile.version:
        flash("Nothing was changed.")
    else:
        changed = [field for field in FIELDS if saved.values[field] != profile.values[field]]
        note(saved.organisation.code, changed=", ".join(changed) or "notes")
        flash("Saved.")
    return redirect(url_for("partners.show", organisation_id=organisation_id))
