"""Uploads of toolkits: the first picture with the form that begins one, further pictures, a folder's zip.

They have the path of pictures, as only its requests may be large (daisychain/work/web_process.py).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from daisychain.errors import InputError
from daisychain.slug import slug
from desk.access import connection, note, person, right
from desk.forms import Form, chosen_file
from desk.newsletters.pictures import LARGEST_UPLOAD
from desk.toolkits.opened_toolkit import at_field, done, opened_toolkit
from desk.toolkits.pictures_of_toolkit import pictures_page
from newsletters.pieces.values import FieldError, of_field
from newsletters.toolkit_drafts.editing import save_picture
from newsletters.toolkit_drafts.pasted_copy import new_toolkit
from newsletters.toolkit_drafts.publishing import list_drafts
from newsletters.toolkit_drafts.toolkit_archive import files_in_zip
from newsletters.toolkit_drafts.working_copy import WorkingCopy, create_working_copy, upload_files
from newsletters.toolkit_store.try_copy import checked_files
from newsletters.toolkits.images import MAX_BYTES

blueprint = Blueprint("toolkit_uploads", __name__, url_prefix="/pictures/toolkits")
FIELDS = ("title", "coalition", "alt", "primary", "accent", "pasted")


@blueprint.post("/new")
@right("toolkits.write")
def begin() -> Any:
    """Make a draft of what was given."""
    form = Form(*FIELDS)
    made: WorkingCopy | None = None
    remarks: list[str] = []
    with at_field(form, "pasted"):
        made, remarks = _made(form)
    if made is None:
        return form.page("desk/toolkits/new.html")
    note(made.name, version=made.version)
    flash(f"“{made.toolkit.title}” is begun. Nobody else sees it before you publish it.")
    for remark in remarks:
        flash(remark)
    return redirect(url_for("toolkit_copy.index", toolkit=made.name))


@blueprint.post("/zip")
@right("toolkits.write")
def upload() -> Any:
    """Take a toolkit's folder as a zip: a draft of a new one, or the next version of a draft."""
    form = Form()
    made: WorkingCopy | None = None
    with at_field(form, "zip"):
        _, content = chosen_file("zip", LARGEST_UPLOAD, "No zip was chosen.", "Choose the zip of a toolkit's folder.")
        made = upload_files(connection(), files_in_zip(content), who=person().name)
    if made is None:
        return form.page("desk/toolkits/index.html", toolkits=list_drafts(connection()))
    note(made.name, version=made.version)
    flash("The zip is the draft now." if made.changed_files() else "The zip has exactly what is published.")
    return redirect(url_for("toolkit_copy.index", toolkit=made.name))


@blueprint.post("/of/<toolkit>")
@right("toolkits.write")
def picture(toolkit: str) -> Any:
    """Add a picture, or change one: its alt text, and its file if another was chosen."""
    draft, form = opened_toolkit(toolkit), Form("picture", "alt", "adds_nothing")
    own = form["picture"]
    at = f"_{own}" if own else ""  # each picture has a form of its own on the page
    with at_field(form, "file"):
        chosen = request.files.get("file")
        content = chosen.stream.read(MAX_BYTES + 1) if chosen and chosen.filename else b""
        if not content and not own:
            raise InputError("No picture was chosen.", hint="Choose a file first.")
        if not form["alt"] and not form["adds_nothing"]:
            raise FieldError("alt", "Say what the picture shows, for people who can’t see it.",
                             "Or tick that it adds nothing.")  # fmt: skip
        alt = "" if form["adds_nothing"] else form["alt"]
        named = chosen.filename or "" if chosen else ""
        made, own = save_picture(connection(), toolkit, own, content, alt, file_name=named, who=person().name)
        return done("Saved.", url_for("toolkit_pictures.index", toolkit=toolkit, _anchor=f"picture-{own}"), made)
    form.errors = {f"{field}{at}": message for field, message in form.errors.items()}
    return pictures_page(draft, form)


def _made(form: Form) -> tuple[WorkingCopy, list[str]]:
    name = slug(form["title"])[:64].strip("-")
    if not name:
        raise FieldError("title", "Give the toolkit a name.", "Its letters a to z and digits become its web address.")
    file = request.files.get("picture")
    content = file.stream.read(MAX_BYTES + 1) if file else b""
    colours = tuple(filter(None, (form["primary"], form["accent"])))
    with of_field("primary"):
        new_toolkit(name, form["title"], colours=colours)
    with of_field("picture"):
        new_toolkit(name, form["title"], picture=content, alt=form["alt"])
    made = new_toolkit(
        name, form["title"], coalition=form["coalition"], picture=content, alt=form["alt"], colours=colours,
        copy=form["pasted"],
    )  # fmt: skip
    checked_files(made.files, name)
    with of_field("title"):
        return create_working_copy(connection(), made.files, who=person().name), made.remarks
