"""The editor's source view: a text in one language, saved with the version that it began with."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from daisychain.cache import Busy
from daisychain.errors import InputError, StateError
from desk.access import connection, note, person, right, tell_at
from desk.forms import Form, asked_number
from desk.newsletters.autosave import answer_autosave, by_itself, kind_of_save
from desk.newsletters.opened import asked_base, asked_language, languages_of, manuscript_of_saved, opened
from newsletters.pieces.outline import same_line_ends
from newsletters.preview.editor_view import look_at
from newsletters.stored.contents import Change
from newsletters.stored.joining import join
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.saving import Collision, aligned, save
from newsletters.stored.versions import contents_of, mark

blueprint = Blueprint("editor", __name__, url_prefix="/newsletters/<int:newsletter_id>")


@blueprint.get("/source")
@right("newsletters.write")
def source(newsletter_id: int) -> Any:
    """Show the text in one language, with what stops it from being sent."""
    newsletter = opened(newsletter_id)
    language = asked_language(newsletter)
    return _page(newsletter, language, Form(text=newsletter.contents.texts[language]), newsletter.version)


@blueprint.post("/source")
@right("newsletters.write")
def write(newsletter_id: int) -> Any:
    """Save the text; on top of somebody else's change, show both."""
    newsletter = opened(newsletter_id)
    language, base = asked_language(newsletter), asked_base(newsletter)
    typed = same_line_ends(request.form.get("text", ""), newsletter.contents.texts[language])
    form, result = Form(text=typed), None
    with form.check("text"):
        change = Change({language: typed})
        result = save(connection(), newsletter.id, base, change, who=person().name, kind=kind_of_save())
    if isinstance(result, Collision):
        note(version=base, outcome="collided")
    elif result:
        note(version=result.version)
    if by_itself():
        return answer_autosave(newsletter, result, form)
    if result is None:
        return _page(newsletter, language, form, base)
    if isinstance(result, Collision):
        return show_both(result, language, Form())
    # What was saved while it was written becomes a version that is kept.
    kept = mark(connection(), result, "kept")
    flash("Saved." if kept or result.version != newsletter.version else "Nothing was changed.")
    return redirect(url_for("editor.source", newsletter_id=newsletter.id, language=language or None))


@blueprint.get("/join")
@right("newsletters.write")
def both(newsletter_id: int) -> Any:
    """Show a refused text, which was kept, beside the one that is saved."""
    newsletter = opened(newsletter_id)
    language = asked_language(newsletter)
    return show_both(_kept(newsletter, language, asked_number("kept_as") or 0), language, Form(), status=200)


@blueprint.post("/join")
@right("newsletters.write")
def put_together(newsletter_id: int) -> Any:
    """Save both texts put together as chosen; if the other one changed meanwhile, ask again."""
    newsletter = opened(newsletter_id)
    language, kept_as = asked_language(newsletter), asked_number("kept_as") or 0
    asked = _kept(newsletter, language, kept_as)
    pairs = asked.pairs[language]
    form = Form(*(f"piece-{at}" for at in range(len(pairs))))
    if newsletter.version != asked_number("base"):
        form.errors["both"] = f"{newsletter.updated_by} saved once more. Please look again."
        return show_both(asked, language, form)
    with form.check("both"):
        text = join(pairs, [form[f"piece-{at}"] for at in range(len(pairs))])
        saved = save(
            connection(), newsletter.id, newsletter.version, Change({language: text}), who=person().name, kind="kept",
            note=f"Put together with version {newsletter.version}",
        )  # fmt: skip
        note(version=_saved(saved).version)
    if form.errors:
        return show_both(asked, language, form, status=422)
    flash("Both are saved as one text.")
    view = "blocks.index" if request.form.get("back", "").startswith(("blocks", "pictures")) else "editor.source"
    return redirect(url_for(view, newsletter_id=newsletter.id, language=language or None))


@blueprint.post("/languages")
@right("newsletters.write")
def add_language(newsletter_id: int) -> Any:
    """Begin a translation with a copy of the first text."""
    newsletter = opened(newsletter_id)
    code = request.form.get("code", "").strip()
    if not code or code in newsletter.contents.texts:
        raise InputError(f"This newsletter has {code!r} already." if code else "Choose a language.")
    change = Change({code: newsletter.contents.texts[""]})
    _saved(save(
        connection(), newsletter.id, newsletter.version, change, who=person().name, kind="kept",
        note=f"Added the language {code}",
    ))  # fmt: skip
    flash("The translation begins with a copy of the first text.")
    return redirect(url_for("editor.source", newsletter_id=newsletter.id, language=code))


@blueprint.post("/languages/remove")
@right("newsletters.write")
def remove_language(newsletter_id: int) -> Any:
    """Remove a translation, which an undo brings back."""
    newsletter = opened(newsletter_id)
    language = asked_language(newsletter)
    _saved(save(
        connection(), newsletter.id, newsletter.version, Change({language: None}), who=person().name, kind="kept",
        note=f"Removed the language {language}",
    ))  # fmt: skip
    return tell_at("editor.source", "The translation is removed. Undo brings it back.", newsletter_id=newsletter.id)


def _kept(newsletter: SavedNewsletter, language: str, kept_as: int) -> Collision:
    """Return the collision of a text that was kept with the one that is saved now; raises StateError."""
    mine = contents_of(connection(), newsletter.id, kept_as).texts.get(language, "")
    return Collision(newsletter, kept_as, {language: aligned(mine, newsletter.contents.texts[language])})


def _saved(result: SavedNewsletter | Collision) -> SavedNewsletter:
    """Return what was saved; raises StateError if somebody saved between this request's reading and its writing."""
    if isinstance(result, Collision):
        raise StateError(f"{result.theirs.updated_by} saved meanwhile.", hint="Go back, look again, and repeat it.")
    return result


def _page(newsletter: SavedNewsletter, language: str, form: Form, version: int) -> Any:
    view, unseen = None, ""
    try:
        view = look_at(connection(), manuscript_of_saved(newsletter), language, who=person().name)
    except (InputError, Busy) as error:
        unseen = f"{error.message} {error.hint}"
    return form.page(
        "desk/newsletters/source.html", newsletter=newsletter, language=language, version=version, view=view,
        unseen=unseen, languages=languages_of(newsletter),
    )  # fmt: skip


def show_both(collision: Collision, language: str, form: Form, status: int = 409) -> Any:
    """Show the text that was refused beside the one that is saved, to choose from piece by piece."""
    pairs = list(enumerate(collision.pairs.get(language, ())))
    page = render_template(
        "desk/newsletters/both.html", newsletter=collision.theirs, collision=collision, language=language, pairs=pairs,
        form=form,
    )  # fmt: skip
    return page, status
