"""The editor's blocks view: each piece as a form, moved, deleted and added by buttons; every step can be undone.

All pieces are one form, so that no button loses what was typed elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from daisychain.cache import Busy
from daisychain.errors import InputError
from desk.access import connection, note, person, right
from desk.forms import Form
from desk.newsletters.autosave import answer_autosave, by_itself
from desk.newsletters.editor import show_both
from desk.newsletters.opened import asked_base, asked_language, languages_of, manuscript_of_saved, opened
from desk.newsletters.palette import palette_of, written_link
from newsletters.checks import Finding
from newsletters.pieces.outline import cut
from newsletters.pieces.steps import Step, take_step, write_typed
from newsletters.pieces.tree import (
    ListedPiece,
    listed,
    piece_with_line,
    places_for,
    plain_words,
    read_path,
    walked,
    written_path,
)
from newsletters.preview.editor_view import MAX_LIVE_BYTES, MAX_PIECES, EditorView, look_at
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, load
from newsletters.stored.saving import Collision, save
from newsletters.stored.versions import mark, text_seen
from newsletters.toolkits.toolkit import current_day

blueprint = Blueprint("blocks", __name__, url_prefix="/newsletters/<int:newsletter_id>/blocks")
# Buttons that only ask where: the answer is the page with a choice at that piece.
ASKING = {"palette": "add", "pick": "move"}


@blueprint.get("")
@right("newsletters.write")
def index(newsletter_id: int) -> Any:
    """Show the pieces of one language, each as a form, or as source if it can't be one."""
    newsletter = opened(newsletter_id)
    language = asked_language(newsletter)
    text = newsletter.contents.texts[language]
    kinds = [each.kind for each in cut(text)]
    if kinds[:1] != ["head"] or len(kinds) > MAX_PIECES or len(text.encode()) > MAX_LIVE_BYTES:
        return redirect(url_for("editor.source", newsletter_id=newsletter.id, language=language or None))
    return page_of(newsletter, language, Form(), text)


@blueprint.post("")
@right("newsletters.write")
def change(newsletter_id: int) -> Any:
    """Save what was typed, then do what the button says; on top of somebody else's change, show both texts."""
    newsletter = load(connection(), opened(newsletter_id).id, lock=True)
    for name, file in request.form.items():
        if name.endswith(":file") and file:
            flash(f"The picture {file} was not uploaded. Choose it again, then press Upload.")
    return changed(newsletter, "auto" if by_itself() else request.form.get("what", "save"), Form(), request.form)


def changed(newsletter: SavedNewsletter, what: str, form: Form, typed: Any) -> Any:
    """Save what was `typed`, do a step, and show it; with an error, show the form with everything as it was typed."""
    language, base = asked_language(newsletter), asked_base(newsletter)
    seen = text_seen(connection(), newsletter, base, language)
    verb, _, at = what.partition(" ")
    made = write_typed(seen, typed, lambda field, error: form.errors.update({field: f"{error.message} {error.hint}"}))
    if by_itself() and [each.at for each in walked(listed(made))] != [each.at for each in walked(listed(seen))]:
        form.errors["pieces"] = "This makes other pieces. Press Save to see them."  # the page would name them wrong
    step, result = Step(made, f"{_label(seen, at)} changed" if verb == "save" else "", read_path(at)), None
    with form.check("pieces"):
        if not form.errors and verb not in ("save", "auto", *ASKING):
            step = take_step(made, what, palette_of(newsletter).suggested)
        if not form.errors:
            result = _save(newsletter, language, base, made, step)
    if isinstance(result, Collision):
        note(version=base, outcome="collided")
    elif result:
        note(version=result.version, step=step.said)
    if by_itself():
        return answer_autosave(newsletter, result, form)
    if result is None:
        return page_of(newsletter, language, form, seen, typed)
    if isinstance(result, Collision):
        return show_both(result, language, Form())
    if verb == "save":
        mark(connection(), result, "kept")
    there: dict[str, Any] = {ASKING[verb]: at} if verb in ASKING else {"at": written_path(step.path), "did": verb}
    where: dict[str, Any] = {"newsletter_id": newsletter.id, "language": language or None, "step": result.version}
    return redirect(url_for("blocks.index", **where, **there))


def _save(newsletter: SavedNewsletter, language: str, base: int, typed: str, step: Step) -> SavedNewsletter | Collision:
    """Save twice, so that an undo takes back the step and leaves what was typed; what is refused is kept whole."""
    whole = newsletter.changed.get(language, 0) > base or typed == step.text
    saves = [(step.text, step.said)] if whole else [(typed, ""), (step.text, step.said)]
    result: SavedNewsletter | Collision = newsletter
    for text, said in saves:
        result = save(connection(), newsletter.id, base, Change({language: text}), who=person().name, note=said)
        base = base if isinstance(result, Collision) else result.version
    return result


def _label(text: str, at: str) -> str:
    return next((each.label for each in walked(listed(text)) if each.at == at), "Text")


def page_of(newsletter: SavedNewsletter, language: str, form: Form, text: str, typed: Any = None) -> Any:
    """Return the page of a text, which is the saved one or the one that somebody was looking at."""
    pieces, asked = listed(text), request.args
    newest = text == newsletter.contents.texts[language]
    view = _view(newsletter, language) if newest else None
    every = {each.at: each for each in walked(pieces)}
    refused = re.fullmatch(r"(?:upload new|add) (\S+).*", request.form.get("what", ""))
    adding = refused[1] if refused else asked.get("add", "")
    shown = [*(name.partition(":")[0] for name in form.errors), asked.get("at", ""), adding, asked.get("move", "")]
    return form.page(
        "desk/newsletters/blocks.html", newsletter=newsletter, language=language, languages=languages_of(newsletter),
        pieces=pieces, palette=palette_of(newsletter), typed=typed or {}, written_link=written_link,
        version=asked_base(newsletter), adding=adding, today=current_day(),
        used=" ".join([text, *newsletter.contents.texts.values()]),
        opened={written_path(read_path(at)[:end]) for at in shown for end in range(1, 8, 2)}
        - _closed(asked, adding),
        moving=every.get(asked.get("move", "")), places=places_for(pieces, every.get(asked.get("move", ""))),
        view=view, faults=_faults(view, pieces), plain_words=plain_words,
    )  # fmt: skip


def _closed(asked: Any, adding: str) -> set[str]:
    """Return the pieces that are only moved, or added before, and stay closed."""
    moved = asked.get("did") in ("up", "down", "move", "delete")
    return {asked.get("at", "") if moved else "", adding, asked.get("move", "")}


def _view(newsletter: SavedNewsletter, language: str) -> EditorView | None:
    with suppress(InputError, Busy):
        return look_at(connection(), manuscript_of_saved(newsletter), language, who=person().name)
    return None


def _faults(view: EditorView | None, pieces: Sequence[ListedPiece]) -> dict[str, list[Finding]]:
    """Return what stops a send, by the piece that has it."""
    found: dict[str, list[Finding]] = {}
    for each in view.to_fix if view else ():
        piece = piece_with_line(pieces, each.line) if each.line else None
        found.setdefault(piece.at if piece else "", []).append(each.finding)
    return found
