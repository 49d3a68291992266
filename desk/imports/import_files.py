"""The wizard's first step: a file, in slices if a script sends it, or pasted rows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from daisychain.errors import InputError
from daisychain.web.row_numbers import row_number
from desk.access import connection, leave_no_line, note, or_404, person, right
from desk.forms import Form
from lists.lists import find_list
from lists.uploads.import_drafts import find_draft, start_draft
from lists.uploads.upload_slices import LARGEST, SLICE, begin_upload, missing_slice, put_slice, store_whole
from sender.upkeep.import_jobs import begin_step

# All below one address: the server gives these requests a share of their own (daisychain/work/web_process.py).
blueprint = Blueprint("import_files", __name__, url_prefix="/uploads")
LARGEST_AT_ONCE = 4 * 1024 * 1024


@blueprint.get("/for/<name>")
@right("lists.write")
def ask(name: str) -> Any:
    """Ask for a file, or for rows copied from a spreadsheet."""
    return _page(Form(), name)


@blueprint.post("/for/<name>")
@right("lists.write")
def take(name: str) -> Any:
    """Begin an import of what was sent: a file that came in slices, a small one with the form, or pasted rows."""
    row, form = or_404(find_list, connection(), name), Form("pasted", "upload")
    with form.check("file"):
        draft_id = start_draft(connection(), row["id"], _upload(form), by=person().name)
        begin_step(connection(), find_draft(connection(), draft_id), ("reading",), "reading")
        note(f"list {name}", import_draft=draft_id)
    if form.errors:
        return _page(form, name)
    return redirect(url_for("imports.show", draft_id=draft_id))


@blueprint.post("")
@right("lists.write")
def begin() -> Any:
    """Begin an upload, or return to the same file's that broke off: its number, and which slice is missing."""
    size = row_number(request.form.get("size", "")) or 0
    try:
        name, mark = request.form.get("name", ""), request.form.get("mark", "")
        upload_id = begin_upload(connection(), name, size, mark, by=person().name)
    except InputError as error:
        return {"message": f"{error.message} {error.hint}"}, 422
    note(f"upload {upload_id}", bytes=size)
    return {"upload": upload_id, "next": missing_slice(connection(), upload_id)}


@blueprint.put("/<int:upload_id>/<int:number>")
@right("lists.write")
def put(upload_id: int, number: int) -> Any:
    """Take a slice; answer which is missing next."""
    leave_no_line()  # the beginning has one, and so has the import
    try:
        following = put_slice(connection(), upload_id, number, request.get_data(), by=person().name)
    except InputError as error:
        return {"message": error.message}, 404
    return {"next": following}


def _upload(form: Form) -> int:
    if (upload_id := row_number(form["upload"])) is not None:
        return upload_id
    file = request.files.get("file")
    if file is not None and file.filename:
        content = file.stream.read(LARGEST_AT_ONCE + 1)
        if len(content) > LARGEST_AT_ONCE:
            raise InputError("Without its script this page takes files of up to 4 MB.", hint="Cut it in pieces.")
        return store_whole(connection(), file.filename, content, by=person().name)
    if not form["pasted"]:
        raise InputError("No file was chosen, and no rows were pasted.", hint="Choose a file first.")
    return store_whole(connection(), "pasted rows.csv", form["pasted"].encode(), by=person().name)


def _page(form: Form, name: str) -> Any:
    row = or_404(find_list, connection(), name)
    return form.page("desk/imports/file.html", list=row, slice=SLICE, largest=LARGEST, at_once=LARGEST_AT_ONCE)
