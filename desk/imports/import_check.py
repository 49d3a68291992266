"""The wizard's last steps: check again, bring the people onto the list, take that back, or throw the file away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, url_for

from desk.access import connection, note, or_404, person, right, tell_at
from desk.forms import Form
from desk.imports.import_wizard import found, import_page
from lists.import_log import find_import
from lists.uploads.import_drafts import Draft, draft_of_import, find_draft, require_true_check, throw_away
from lists.uploads.upload_slices import UnknownUploadError, slices_of
from sender.upkeep.import_jobs import begin_step

blueprint = Blueprint("import_check", __name__, url_prefix="/imports")


@blueprint.post("/<int:draft_id>/check")
@right("lists.write")
def check(draft_id: int) -> Any:
    """Check again what an import would do."""
    draft = found(draft_id)
    begin_step(connection(), draft, ("checked",), "checking")
    return _shown(draft)


@blueprint.post("/<int:draft_id>/go")
@right("lists.write")
def go(draft_id: int) -> Any:
    """Bring the people onto the list."""
    draft, form = found(draft_id), Form()
    with form.check("go"):
        require_true_check(connection(), draft)
        begin_step(connection(), draft, ("checked",), "importing")
        note(rows=draft.result.get("read"))
    return import_page(form, draft, "check") if form.errors else _shown(draft)


@blueprint.post("/undo/<int:number>")
@right("lists.write")
def undo(number: int) -> Any:
    """Take an import back, which a worker does."""
    or_404(find_import, connection(), number)
    draft = find_draft(connection(), draft_of_import(connection(), number, by=person().name))
    note(f"list {draft.name}", undo_import=number)
    choices = {**draft.choices, "undone_by": person().name}
    begin_step(connection(), draft, ("done",), "undoing", choices=choices)
    return _shown(draft)


@blueprint.post("/<int:draft_id>/throw-away")
@right("lists.write")
def discard(draft_id: int) -> Any:
    """Throw an import away that has changed nothing."""
    draft = found(draft_id)
    throw_away(connection(), draft)
    return tell_at("lists.show", f"Thrown away: nobody of {draft.file} is on the list by it.", name=draft.name)


@blueprint.get("/<int:draft_id>/refused")
@right("lists.write")
def refused(draft_id: int) -> Any:
    """Return the rows that can't be used, with the reason of each, for a spreadsheet."""
    draft = found(draft_id)
    try:
        content = b"".join(slices_of(connection(), draft.refused_id or 0))
    except UnknownUploadError:
        abort(404, "The rows that could not be used are kept for 30 days.")
    headers = {"Content-Disposition": f'attachment; filename="refused-{draft.id}.csv"'}
    return Response(content, mimetype="text/csv", headers=headers)


def _shown(draft: Draft) -> Any:
    return redirect(url_for("imports.show", draft_id=draft.id))
