"""A toolkit's campaign and links; the zip of its folder; and which version to go on with."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from desk.access import connection, person, right
from desk.forms import Form
from desk.toolkits.opened_toolkit import (
    asked_version,
    at_field,
    done,
    form_of,
    in_page,
    opened_toolkit,
    refused,
    typed_values,
)
from newsletters.pieces.values import FieldError
from newsletters.toolkit_drafts.file_fields import about_fields
from newsletters.toolkit_drafts.publishing import discard, settle
from newsletters.toolkit_drafts.toolkit_archive import zip_of
from newsletters.toolkit_drafts.working_copy import FieldCollision, WorkingCopy, save_fields

blueprint = Blueprint("toolkit_campaign", __name__, url_prefix="/toolkits/<toolkit>")
PAGE = "desk/toolkits/campaign.html"


@blueprint.get("/campaign")
@right("toolkits.write")
def show(toolkit: str) -> Any:
    """Show the form of the campaign and its links."""
    draft = opened_toolkit(toolkit)
    return _form(draft).page(PAGE, draft=draft)


@blueprint.post("/campaign")
@right("toolkits.write")
def save(toolkit: str) -> Any:
    """Save the campaign and its links; an empty address takes a link out."""
    draft = opened_toolkit(toolkit)
    form = _form(draft)
    with at_field(form, "title"):
        links, new = list(draft.toolkit.links), form["new_link"]
        if form["new_address"] and not new:
            raise FieldError("new_link", "Give the link a name.", "One word, as newsletters use it: join.")
        fields = about_fields([*links, new] if new else links)
        form.values |= {in_page(f"link {new}"): form["new_address"]} if new else {}
        made = save_fields(
            connection(), toolkit, asked_version(draft), fields, typed_values(form, fields.paths), who=person().name
        )
        if isinstance(made, FieldCollision):
            return refused(made, form, PAGE)
        return done("Saved.", url_for("toolkit_campaign.show", toolkit=toolkit), made)
    for field in [each for each in form.errors if each == in_page(f"link {form['new_link']}")]:
        form.errors["new_address"] = form.errors.pop(field)
    return form.page(PAGE, draft=draft)


@blueprint.get("/zip")
@right("toolkits.write")
def download(toolkit: str) -> Any:
    """Return the draft's folder as a zip."""
    draft = opened_toolkit(toolkit)
    headers = {"Content-Disposition": f'attachment; filename="{toolkit}.zip"'}
    return Response(zip_of(toolkit, draft.files), mimetype="application/zip", headers=headers)


@blueprint.post("/settle")
@right("toolkits.write")
def go_on_with(toolkit: str) -> Any:
    """Go on with the draft, or with what was added from a folder meanwhile."""
    keep = request.form.get("with") == "draft"
    made = settle(connection(), toolkit, asked_version(opened_toolkit(toolkit)), keep_draft=keep, who=person().name)
    return done("The other one is among the versions.", url_for("toolkit_copy.index", toolkit=toolkit), made)


@blueprint.post("/discard")
@right("toolkits.write")
def drop(toolkit: str) -> Any:
    """Drop the changes that were not published."""
    draft = opened_toolkit(toolkit)
    made = discard(connection(), toolkit, asked_version(draft), who=person().name)
    if made is None:
        return done(f"“{draft.toolkit.title}” is gone.", url_for("toolkits.index"), draft)
    said = "The changes are dropped. A version brings them back."
    return done(said, url_for("toolkit_copy.index", toolkit=toolkit), made)


def _form(draft: WorkingCopy) -> Form:
    values = about_fields(draft.toolkit.links).read(draft.files)
    return form_of(values, new_link="", new_address="")
