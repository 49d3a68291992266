"""Answers to a page that saves by itself: a script reads them, and shows them beside the newsletter's title."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from daisychain import clock
from desk.access import connection, leave_no_line
from desk.forms import Form
from newsletters.stored.newsletters import SavedNewsletter, SaveKind
from newsletters.stored.saving import Collision
from newsletters.stored.versions import next_undo


def by_itself() -> bool:
    """Whether a script sent this form while somebody writes, and wants an answer for itself."""
    return "auto" in request.form


def kind_of_save() -> SaveKind:
    """Return the kind of this save: those that nobody asked for are one version for ten minutes."""
    return "auto" if by_itself() else "kept"


def answer_autosave(before: SavedNewsletter, result: SavedNewsletter | Collision | None, form: Form) -> Any:
    """Return the result of a save: its version and time, why it was refused, or the page that shows both texts."""
    if result is None or form.errors:
        return {"error": " ".join(form.errors.values())}, 422
    if isinstance(result, Collision):
        asked: dict[str, Any] = {"kept_as": result.kept_as, "language": request.form.get("language") or None}
        there = url_for("editor.both", newsletter_id=before.id, **asked)
        return {"by": result.theirs.updated_by, "both": there}, 409
    if result.joined or result.version == before.version:
        leave_no_line()
    step = next_undo(connection(), result)
    at = result.updated_at.astimezone(clock.home_zone())
    return {"version": result.version, "at": f"{at:%H:%M}", "undo": step.what if step else ""}
