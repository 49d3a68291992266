"""Versions of a newsletter: look at one, restore it; undo the last step."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from desk.access import connection, note, person, right, tell_at
from desk.newsletters.opened import asked_base, opened
from newsletters.stored.versions import contents_of, next_undo, restore, undo
from newsletters.stored.versions import versions as list_versions

blueprint = Blueprint("versions", __name__, url_prefix="/newsletters/<int:newsletter_id>/versions")
MOST_SHOWN = 60


@blueprint.get("")
@right("newsletters.write")
def index(newsletter_id: int) -> Any:
    """List the saved versions, the newest first."""
    newsletter = opened(newsletter_id)
    saved = list_versions(connection(), newsletter.id)
    values = {"newsletter": newsletter, "versions": saved[:MOST_SHOWN], "more": len(saved) > MOST_SHOWN}
    return render_template("desk/newsletters/versions.html", **values)


@blueprint.get("/<int:save_id>")
@right("newsletters.write")
def show(newsletter_id: int, save_id: int) -> Any:
    """Show the texts of one version."""
    newsletter = opened(newsletter_id)
    contents = contents_of(connection(), newsletter.id, save_id)
    found = next(each for each in list_versions(connection(), newsletter.id) if each.id == save_id)
    return render_template("desk/newsletters/version.html", newsletter=newsletter, saved=found, contents=contents)


@blueprint.post("/<int:save_id>/restore")
@right("newsletters.write")
def bring_back(newsletter_id: int, save_id: int) -> Any:
    """Make an old version the newest one."""
    newsletter = opened(newsletter_id)
    made = restore(connection(), newsletter.id, save_id, asked_base(newsletter), who=person().name)
    note(version=made.version)
    return tell_at("editor.source", "Restored, as a new version.", newsletter_id=newsletter.id)


@blueprint.post("/undo")
@right("newsletters.write")
def take_back(newsletter_id: int) -> Any:
    """Take the last step back, as a new version."""
    newsletter = opened(newsletter_id)
    made = undo(connection(), newsletter.id, asked_base(newsletter), who=person().name)
    note(version=made.version)
    flash("Undone. What was there is kept among the versions.")
    view = "blocks.index" if request.form.get("back", "").startswith("blocks") else "editor.source"
    language = request.form.get("language")
    there = language if language in made.contents.texts else None
    return redirect(url_for(view, newsletter_id=newsletter.id, language=there or None))


@blueprint.app_context_processor
def _for_the_head() -> dict[str, Any]:
    """Let the head of each page of a newsletter say what an undo takes back."""
    return {"next_undo": lambda newsletter: next_undo(connection(), newsletter)}
