"""The editor's blocks view: each piece as a form, moved, deleted and added by buttons; every step can be undone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from daisychain.errors import InputError, StateError
from desk.access import connection, note, person, right
from desk.forms import Form
from desk.newsletters.editor import show_both
from desk.newsletters.opened import asked_language, languages_of, opened
from newsletters.compose.blocks import registry
from newsletters.documents.document import parse_document
from newsletters.pieces.forms import form_of, write_form
from newsletters.pieces.operations import add, delete, move, piece_of, replace_piece
from newsletters.pieces.outline import SourcePiece, cut
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.saving import Collision, save
from newsletters.stored.versions import contents_of, versions
from newsletters.toolkit_store.store import named_toolkit
from newsletters.toolkits.toolkit import current_day

blueprint = Blueprint("blocks", __name__, url_prefix="/newsletters/<int:newsletter_id>/blocks")
FIELD, COPY, WORDS = "field-", "copy ", "words"


@blueprint.get("")
@right("newsletters.write")
def index(newsletter_id: int) -> Any:
    """Show the pieces of one language, each as a form, or as source if it can't be one."""
    newsletter = opened(newsletter_id)
    return _page(newsletter, asked_language(newsletter), Form())


@blueprint.post("")
@right("newsletters.write")
def change(newsletter_id: int) -> Any:
    """Save, move, delete or add one piece; on top of somebody else's change, show both texts."""
    newsletter = opened(newsletter_id)
    language, base = asked_language(newsletter), request.form.get("base", newsletter.version, int)
    at, what, form, result = request.form.get("at", -1, int), request.form.get("what", ""), Form(), None
    with form.check(f"piece-{at}"):
        made, said = _changed(_text_at(newsletter, base, language), at, what)
        result = save(connection(), newsletter.id, base, Change({language: made}), who=person().name, note=said)
    if result is None:
        return _page(newsletter, language, form, at)
    if isinstance(result, Collision):
        return show_both(result, language, Form())
    note(version=result.version, step=said)
    flash(f"{said}.")
    there = {"up": at - 1, "down": at + 1}.get(what, at)
    moved = what if what in ("up", "down") else None
    here = url_for("blocks.index", newsletter_id=newsletter.id, language=language or None, moved=moved, at=there)
    return redirect(f"{here}#piece-{there}")


def _changed(text: str, at: int, what: str) -> tuple[str, str]:
    """Return the text after one step, and the step in words."""
    if what.startswith("add "):
        return add(text, (at,), _new(what.removeprefix("add "))), "Added a piece"
    piece = piece_of(text, (at,))
    name = label(piece)
    if what in ("up", "down"):
        return move(text, (at,), at + (1 if what == "down" else -1)), f"{name} moved {what}"
    if what == "delete":
        return delete(text, (at,)), f"{name} deleted"
    if "source" in request.form:
        return replace_piece(text, (at,), request.form["source"]), f"{name} changed"
    values = {key.removeprefix(FIELD): value for key, value in request.form.items() if key.startswith(FIELD)}
    return replace_piece(text, (at,), write_form(piece, values)), f"{name} changed"


def _new(what: str) -> str:
    """Return the source of a new piece: a copy block, words, or a block's own example."""
    if what.startswith(COPY):
        return f"::: copy {what.removeprefix(COPY)}\n"
    block = registry().blocks.get(what)
    if what != WORDS and block is None:
        raise InputError("Choose what to add.")
    return f"{block.example.strip()}\n" if block else "[Add your text]\n"


def _text_at(newsletter: SavedNewsletter, base: int, language: str) -> str:
    """Return the text of the version that the person was looking at."""
    if newsletter.version == base:
        return newsletter.contents.texts[language]
    for each in versions(connection(), newsletter.id):
        if each.version == base and each.kind != "collided":
            return contents_of(connection(), newsletter.id, each.id).texts.get(language, "")
    raise StateError(f"{newsletter.updated_by} saved meanwhile.", hint="Look at the newest version, then do it again.")


def label(piece: SourcePiece) -> str:
    """Return what a piece is for people."""
    kinds = {"head": "Subject and settings", "words": "Text", "condition": "Only for some", "unknown": "Unknown block"}
    return kinds.get(piece.kind) or (f"Copy: {piece.name}" if piece.kind == "copy" else piece.name.capitalize())


def _page(newsletter: SavedNewsletter, language: str, form: Form, wrong: int | None = None) -> Any:
    pieces = cut(newsletter.contents.texts[language])
    copy: list[Any] = []
    try:
        document = parse_document(newsletter.contents.texts[""], "newsletter.md", None)
        copy = named_toolkit(document.toolkit, connection()).copy_for("email", current_day())
    except InputError as error:
        form.values["unread"] = error.message
    return form.page(
        "desk/newsletters/blocks.html", newsletter=newsletter, language=language, languages=languages_of(newsletter),
        pieces=[(at, label(each), each, form_of(each)) for at, each in enumerate(pieces)], copy=copy,
        blocks=[each for each in registry().blocks.values() if not each.within and each.example],
        typed=request.form if wrong is not None else {}, wrong=wrong,
    )  # fmt: skip
