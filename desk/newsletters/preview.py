"""Previews: as a phone or a desktop shows it, dark, without pictures, as text, for one member; and the checks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from daisychain.cache import Busy
from daisychain.errors import InputError
from desk.access import connection, person, right
from desk.forms import Form
from desk.newsletters.opened import (
    READER,
    asked_language,
    asked_people,
    chosen_reader,
    languages_of,
    manuscript_of_saved,
    opened,
)
from desk.newsletters.unsaved import framed, shown
from lists.lists import list_names
from newsletters.preview.editor_view import ShownMail, look_at
from newsletters.stored.newsletters import SavedNewsletter

blueprint = Blueprint("preview", __name__, url_prefix="/newsletters/<int:newsletter_id>")


@blueprint.get("/preview")
@right("newsletters.write")
def look(newsletter_id: int) -> Any:
    """Show the mail in a frame, with subject and preheader as an inbox has them."""
    return _page(opened(newsletter_id), Form())


@blueprint.post("/preview/as")
@right("people.see")
def choose_reader(newsletter_id: int) -> Any:
    """Choose the member whose values are shown; empty for nobody's."""
    newsletter, people, form = opened(newsletter_id), asked_people(), Form("reader")
    session.pop(READER, None)
    with form.check("reader"):
        if form["reader"] and people is None:
            raise InputError("Choose a list first.")
        if form["reader"] and people:
            number = people.number_of(form["reader"])
            if number is None:
                raise InputError(f"{form['reader']} is not on the list {people.name}, or may not be mailed.")
            session[READER] = number
    if form.errors:
        return _page(newsletter, form)
    asked: dict[str, Any] = {**request.args.to_dict(), "language": request.form.get("language") or None}
    view = request.form.get("back")
    view = view if view in ("blocks.index", "editor.source") else "preview.look"
    return redirect(url_for(view, newsletter_id=newsletter.id, **asked))


@blueprint.get("/frame")
@right("newsletters.write")
def frame(newsletter_id: int) -> Any:
    """Return the mail itself, under a policy of its own: no script, nothing but its own pictures."""
    newsletter = opened(newsletter_id)
    try:
        return framed(_shown(newsletter))
    except (InputError, Busy):
        return framed(None)


@blueprint.get("/checks")
@right("newsletters.write")
def checks(newsletter_id: int) -> Any:
    """Show what is to fix and what to look at, with piece and line, for one language and list."""
    newsletter, people = opened(newsletter_id), asked_people()
    language, form, view = asked_language(newsletter), Form(), None
    with form.check("checks"):
        view = look_at(connection(), manuscript_of_saved(newsletter), language, people, who=person().name)
    lists = list_names(connection())
    return form.page("desk/newsletters/checks.html", view=view, people=people, lists=lists, **_shared(newsletter))


def _page(newsletter: SavedNewsletter, form: Form) -> Any:
    mail, people = None, asked_people()
    with form.check("mail"):
        mail = _shown(newsletter)
    reader = chosen_reader(people)
    form.values.setdefault("reader", str(reader["email"]) if reader else "")
    return form.page("desk/newsletters/preview.html", mail=mail, **_shared(newsletter))


def _shared(newsletter: SavedNewsletter) -> dict[str, Any]:
    return {"newsletter": newsletter, "language": asked_language(newsletter), "languages": languages_of(newsletter)}


@blueprint.app_context_processor
def _for_the_choices() -> dict[str, Any]:
    return {"look_choices": _choices}


def _choices() -> dict[str, Any]:
    """Return the lists that a preview may be for, the people of the chosen one, and who is chosen among them."""
    people = asked_people()
    reader = chosen_reader(people)
    return {"lists": list_names(connection()), "people": people, "reader": reader["email"] if reader else ""}


def _shown(newsletter: SavedNewsletter) -> ShownMail | None:
    return shown(manuscript_of_saved(newsletter), asked_language(newsletter))
