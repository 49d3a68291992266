"""A toolkit's copy blocks: the list, the form of one with its preview, and approval."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from desk.access import connection, person, right
from desk.forms import Form
from desk.toolkits.opened_toolkit import asked_version, at_field, done, form_of, opened_toolkit, refused, typed_values
from newsletters.stored.copy_uses import copy_uses
from newsletters.toolkit_drafts.editing import add_block, block_state, remove_block, save_block
from newsletters.toolkit_drafts.file_fields import WORDS, copy_fields
from newsletters.toolkit_drafts.publishing import approve, path_of
from newsletters.toolkit_drafts.working_copy import FieldCollision, WorkingCopy
from newsletters.toolkits.toolkit import CHANNELS, CopyBlock, current_day
from sender.launching.copy_in_campaigns import campaigns_with_copy

blueprint = Blueprint("toolkit_copy", __name__, url_prefix="/toolkits/<toolkit>")
PAGE = "desk/toolkits/block.html"
FIELDS = ("title", WORDS, "channels", "length", "embargo", "expires", "approved by")


@blueprint.get("")
@right("toolkits.write")
def index(toolkit: str) -> Any:
    """List the copy blocks with their states."""
    draft, today = opened_toolkit(toolkit), current_day()
    states = {block.id: block_state(draft, block, today) for block in draft.toolkit.copy.values()}
    return render_template("desk/toolkits/copy.html", draft=draft, states=states, changed=set(draft.changed_files()))


@blueprint.get("/copy/_/new")
@right("toolkits.write")
def new(toolkit: str) -> Any:
    """Ask for a new block, or for the translation of one."""
    return _blank().page(PAGE, draft=opened_toolkit(toolkit), block=None)


@blueprint.post("/copy/_/new")
@right("toolkits.write")
def add(toolkit: str) -> Any:
    """Add a block."""
    draft, form = opened_toolkit(toolkit), _blank()
    with at_field(form, WORDS):
        made, block_id = add_block(
            connection(), toolkit, _typed(form, draft), translates=form["translates"], language=form["language"],
            who=person().name,
        )  # fmt: skip
        return done("Added.", url_for("toolkit_copy.edit", toolkit=toolkit, block_id=block_id), made)
    return form.page(PAGE, draft=draft, block=None)


@blueprint.get("/copy/<block_id>")
@right("toolkits.write")
def edit(toolkit: str, block_id: str) -> Any:
    """Show the form of a block, its preview, and its uses."""
    draft = opened_toolkit(toolkit)
    block = draft.toolkit.copy.get(block_id) or abort(404)
    values = copy_fields(path_of(draft.toolkit, block_id)).read(draft.files)
    return form_of(values).page(PAGE, draft=draft, **_about(draft, block))


@blueprint.post("/copy/<block_id>")
@right("toolkits.write")
def save(toolkit: str, block_id: str) -> Any:
    """Save a block as the draft's next version."""
    draft = opened_toolkit(toolkit)
    block = draft.toolkit.copy.get(block_id) or abort(404)
    form = form_of(copy_fields(path_of(draft.toolkit, block_id)).read(draft.files))
    with at_field(form, WORDS):
        made = save_block(connection(), toolkit, asked_version(draft), block_id, _typed(form, draft), who=person().name)
        if isinstance(made, FieldCollision):
            return refused(made, form, PAGE, **_about(made.theirs, made.theirs.toolkit.copy[block_id]))
        return done("Saved.", url_for("toolkit_copy.edit", toolkit=toolkit, block_id=block_id), made)
    return form.page(PAGE, draft=draft, **_about(draft, block))


@blueprint.post("/copy/<block_id>/approve")
@right("copy.approve")
def approve_block(toolkit: str, block_id: str) -> Any:
    """Approve a block that somebody else wrote."""
    made = approve(connection(), toolkit, asked_version(opened_toolkit(toolkit)), block_id, who=person().name)
    return done("Approved.", url_for("toolkit_copy.edit", toolkit=toolkit, block_id=block_id), made)


@blueprint.post("/copy/<block_id>/remove")
@right("toolkits.write")
def remove(toolkit: str, block_id: str) -> Any:
    """Take a block out of the draft."""
    opened_toolkit(toolkit)
    made = remove_block(connection(), toolkit, block_id, who=person().name)
    return done("Removed. A version brings it back.", url_for("toolkit_copy.index", toolkit=toolkit), made)


def _typed(form: Form, draft: WorkingCopy) -> dict[str, str]:
    """Return what was typed; a list of channels that says the same stays as it is written."""
    names = [each for each in FIELDS if each != "approved by" or not draft.asks_approval]
    known, chosen = form["channels"], [each for each in CHANNELS if each in request.form.getlist("channels")]
    form.values["channels"] = ", ".join(chosen)
    typed = typed_values(form, dict.fromkeys(names))
    same = {each.strip() for each in known.split(",")} == set(chosen)
    return {**typed, "channels": known if same else typed["channels"]}


def _blank() -> Form:
    values = {**dict.fromkeys(FIELDS, ""), "channels": "email, web", "length": "short"}
    return form_of(values, translates=request.args.get("translates", ""), language="")


def _about(draft: WorkingCopy, block: CopyBlock) -> dict[str, Any]:
    before = draft.published.copy.get(block.id) if draft.published else None
    return {
        "block": block, "before": before if before != block else None,
        "standing": block_state(draft, block, current_day()),
        "writers": draft.writers.get(path_of(draft.toolkit, block.id), []),
        "uses": copy_uses(connection(), draft.name, block.id, block.version),
        "campaigns": campaigns_with_copy(connection(), draft.name, block.id),
    }  # fmt: skip
