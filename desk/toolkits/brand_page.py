"""A toolkit's brand: colours with their contrast, fonts, logos and footer, beside an email that has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, request, url_for

from desk.access import connection, leave_no_line, person, right
from desk.forms import Form
from desk.newsletters.unsaved import inbox_of
from desk.toolkits.opened_toolkit import (
    asked_version,
    at_field,
    done,
    form_of,
    frame_of,
    in_page,
    opened_toolkit,
    refused,
    typed_values,
)
from newsletters.preview.draft_view import show_sample
from newsletters.preview.editor_view import ShownMail
from newsletters.toolkit_drafts.colour_contrasts import colour_contrasts
from newsletters.toolkit_drafts.file_fields import BRAND_FIELDS, brand_fields
from newsletters.toolkit_drafts.pasted_copy import derived_colours
from newsletters.toolkit_drafts.working_copy import FieldCollision, WorkingCopy, save_fields
from newsletters.toolkits.brand import DEFAULT_COLOURS
from newsletters.toolkits.toolkit import load_files

blueprint = Blueprint("toolkit_brand", __name__, url_prefix="/toolkits/<toolkit>/brand")
PAGE = "desk/toolkits/brand.html"


@blueprint.get("")
@right("toolkits.write")
def show(toolkit: str) -> Any:
    """Show the brand's form."""
    draft = opened_toolkit(toolkit)
    return _page(draft, form_of(brand_fields(draft.files).read(draft.files)))


@blueprint.post("")
@right("toolkits.write")
def save(toolkit: str) -> Any:
    """Save the brand; a button of the page may take the nearest readable colour, or derive six from two."""
    draft, form = opened_toolkit(toolkit), form_of(dict.fromkeys(BRAND_FIELDS, ""))
    field, _, colour = request.form.get("take", "").partition(" ")
    if field in DEFAULT_COLOURS:
        form.values[field] = colour
    with at_field(form, "primary"):
        if "derive" in request.form:
            form.values |= derived_colours(form["primary"], form["accent"])
        fields = brand_fields(draft.files)
        typed = typed_values(form, fields.paths)
        made = save_fields(connection(), toolkit, asked_version(draft), fields, typed, who=person().name)
        if isinstance(made, FieldCollision):
            return refused(made, form, PAGE, **_about(made.theirs, form))
        return done("Saved.", url_for("toolkit_brand.show", toolkit=toolkit), made)
    return _page(draft, form)


@blueprint.get("/frame")
@right("toolkits.write")
def frame(toolkit: str) -> Any:
    """Return an email in the brand as it is saved."""
    draft = opened_toolkit(toolkit)
    return frame_of(lambda: show_sample(draft.toolkit, person().name))


@blueprint.post("/look")
@right("toolkits.write")
def look(toolkit: str) -> Any:
    """Return why an email in the brand that is being typed can't be shown, if so."""
    return inbox_of(lambda: _typed_sample(toolkit))


@blueprint.post("/frame")
@right("toolkits.write")
def typed_frame(toolkit: str) -> Any:
    """Return an email in the brand that is being typed."""
    return frame_of(lambda: _typed_sample(toolkit))


def _typed_sample(toolkit: str) -> ShownMail:
    draft = opened_toolkit(toolkit)
    leave_no_line()
    fields = brand_fields(draft.files)
    typed = {each: request.form.get(in_page(each), "").replace("\r\n", "\n").strip() for each in fields.paths}
    written = fields.write(draft.files, typed)
    brand = load_files({**draft.files, fields.file: written}, toolkit).brand
    return show_sample(replace(draft.toolkit, brand=brand), person().name)


def _page(draft: WorkingCopy, form: Form) -> Any:
    return form.page(PAGE, draft=draft, **_about(draft, form))


def _about(draft: WorkingCopy, form: Form) -> dict[str, Any]:
    typed = {key: form[key] for key in DEFAULT_COLOURS}
    return {"contrasts": colour_contrasts(typed), "colours": draft.toolkit.brand.colours}
