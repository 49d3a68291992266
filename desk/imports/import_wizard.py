"""The wizard's pages: each shows where an import is; the columns and the consent are asked on the way."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, redirect, request, url_for

from daisychain.errors import InputError
from desk.access import connection, note, or_404, right
from desk.forms import Form, hint_of
from desk.live import live_answer
from lists.bases import BASES
from lists.list_people import open_people
from lists.uploads.import_drafts import CONSENT, WORKING, Draft, choose, choose_consent, find_draft, step_of
from lists.uploads.recognition import read_mapping
from sender.upkeep.import_jobs import begin_step

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
STEPS = {"columns": 2, "consent": 3, "check": 4, "done": 5}


@blueprint.get("/<int:draft_id>")
@right("lists.write")
def show(draft_id: int) -> Any:
    """Show where an import is."""
    draft = found(draft_id)
    return import_page(Form(), draft, step_of(draft))


@blueprint.get("/<int:draft_id>/live")
@right("lists.write")
def live(draft_id: int) -> Any:
    """Show how far the work is; once it is done, the whole page is another."""
    draft = found(draft_id)
    if draft.state not in WORKING:
        return "", 205
    page = partial(import_page, Form(), draft, step_of(draft), layout="desk/live.html")
    return live_answer(f"{draft.state}-{draft.doing}-{draft.done}", 1, page)


@blueprint.get("/<int:draft_id>/<any(columns, consent):step>")
@right("lists.write")
def again(draft_id: int, step: str) -> Any:
    """Show a step again, which somebody may change their mind about."""
    draft = found(draft_id)
    if draft.state not in ("columns", "checked") or not draft.found:
        return redirect(url_for("imports.show", draft_id=draft.id))
    return import_page(Form(**draft.choices), draft, step)


@blueprint.post("/<int:draft_id>/columns")
@right("lists.write")
def keep_columns(draft_id: int) -> Any:
    """Keep what each column becomes."""
    draft, form = found(draft_id), Form()
    becomes = {name[1:]: request.form.get(f"field{name[1:]}", "").strip() if value == ":field" else value
               for name, value in request.form.items() if name[:1] == "c" and name[1:].isdecimal()}  # fmt: skip
    with form.check("columns"):
        choose(connection(), draft, mapping=read_mapping(draft.found, becomes) if draft.found else {})
    if form.errors:
        return import_page(form, draft, "columns", becomes=becomes)
    return redirect(url_for("imports.again", draft_id=draft.id, step="consent"))


@blueprint.post("/<int:draft_id>/sheet")
@right("lists.write")
def read_sheet(draft_id: int) -> Any:
    """Read another sheet of a workbook."""
    draft, form = found(draft_id), Form("sheet")
    with form.check("sheet"):
        begin_step(connection(), draft, ("columns", "checked"), "reading", choices={"sheet": form["sheet"]}, problem=[])
    return import_page(form, draft, "columns") if form.errors else redirect(url_for("imports.show", draft_id=draft.id))


@blueprint.post("/<int:draft_id>/consent")
@right("lists.write")
def keep_consent(draft_id: int) -> Any:
    """Keep what these people's consent rests on, and check what the import would do."""
    draft, form = found(draft_id), Form(*CONSENT)
    lacks_source = form["basis"] not in ("", "unknown") and not form["source"]
    with form.check("source" if lacks_source else "basis"):
        choose_consent(connection(), draft, {name: form[name] for name in CONSENT})
        begin_step(connection(), draft, ("columns",), "checking")
        note(basis=form["basis"])
    return import_page(form, draft, "consent") if form.errors else redirect(url_for("imports.show", draft_id=draft.id))


def found(draft_id: int) -> Draft:
    """Return an import, and name it in the audit log; 404 if there is none."""
    draft = or_404(find_draft, connection(), draft_id)
    if request.method == "POST":
        note(f"list {draft.name}", import_draft=draft.id)
    return draft


def import_page(form: Form, draft: Draft, step: str, **values: Any) -> Any:
    """Return a page of the wizard; what a worker could not do is an error of it."""
    if draft.problem and not form.errors and draft.state not in WORKING:
        message, hint = draft.problem
        form.errors["columns"] = f"{message} {hint_of(InputError(message, hint=hint))}".strip()
    if step == "consent" and not form.values:
        form.values |= draft.choices
    if step == "columns" and draft.found:
        values["fields"] = open_people(connection(), draft.name).fields()
    name = "working" if draft.state in WORKING else step
    page, status = form.page(f"desk/imports/{name}.html", draft=draft, step=STEPS[step], bases=BASES, **values)
    return page, 200 if draft.problem and request.method == "GET" else status
