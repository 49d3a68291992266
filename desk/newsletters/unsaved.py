"""Preview and check a text that somebody is typing, before it is saved.

These pages are asked for while people type, store nothing, and leave no line in the audit log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, render_template, request

from daisychain.cache import Busy
from daisychain.errors import InputError
from desk.access import connection, leave_no_line, person, right
from desk.admission import FRAMED
from desk.newsletters.opened import (
    asked_base,
    asked_language,
    asked_people,
    chosen_reader,
    manuscript_of_saved,
    opened,
    public_root,
)
from newsletters.pieces.outline import cut, piece_at, same_line_ends
from newsletters.pieces.steps import write_typed
from newsletters.preview.completions import completions
from newsletters.preview.editor_view import ShownMail, look_at, show
from newsletters.stored.manuscripts import StoredManuscript
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.versions import text_seen

blueprint = Blueprint("unsaved", __name__, url_prefix="/newsletters/<int:newsletter_id>/unsaved")


@blueprint.post("/inbox")
@right("newsletters.write")
def inbox(newsletter_id: int) -> Any:
    """Return subject and preheader as an inbox has them, or why the mail can't be shown."""
    written, language = _written(newsletter_id)
    return inbox_of(lambda: shown(written, language))


@blueprint.post("/frame")
@right("newsletters.write")
def frame(newsletter_id: int) -> Any:
    """Return the mail itself, with the id `here` at the piece that is being edited."""
    written, language = _written(newsletter_id)
    try:
        return framed(shown(written, language), _piece(written.contents.texts[language]))
    except (InputError, Busy):
        return "", 204  # the frame stays as it is, and the script asks again


@blueprint.post("/checks")
@right("newsletters.write")
def checks(newsletter_id: int) -> Any:
    """Return what is to fix and what to look at, as a part of the editor's page."""
    written, language = _written(newsletter_id)
    view = look_at(connection(), written, language, asked_people(), who=person().name)
    at = "blocks.index" if request.args.get("at") == "blocks.index" else "editor.source"
    page = "desk/newsletters/found.html"
    return render_template(page, view=view, newsletter_id=newsletter_id, language=language, at=at)


@blueprint.get("/words")
@right("newsletters.write")
def words(newsletter_id: int) -> Any:
    """Return what the source view can complete: blocks, copy, pictures, links and fields."""
    newsletter = opened(newsletter_id)
    manuscript = manuscript_of_saved(newsletter)
    return completions(connection(), manuscript, asked_language(newsletter), asked_people())


def inbox_of(show_mail: Callable[[], ShownMail | None]) -> Any:
    """Return subject and preheader of a mail, or why it can't be shown."""
    try:
        mail = show_mail()
    except (InputError, Busy) as error:
        return {"error": error.in_one_line}, 503 if isinstance(error, Busy) else 422
    if mail is None:
        return {"error": "It can’t be shown yet: see what to fix."}, 422
    return {"subject": mail.subject, "preheader": mail.preheader}


def framed(mail: ShownMail | None, here: int | None = None) -> Response:
    """Return a mail as a page for the preview's frame, under a policy of its own: no script, only its own pictures."""
    if mail is None:
        return Response("Nothing can be shown yet.", mimetype="text/plain", headers=FRAMED)
    headers = {**FRAMED, "Content-Security-Policy": mail.policy}
    if request.args.get("look") == "text":
        page = render_template("desk/newsletters/mail_text.html", mail=mail, dark="dark" in request.args)
        return Response(page, mimetype="text/html", headers=headers)
    # Not every piece can be seen: the front matter, or a condition that is not met.
    places = [int(each) for each in re.findall(r' id="p(\d+)"', mail.html)]
    before = [each for each in places if here is not None and 0 < each <= here]
    html = mail.html.replace(f' id="p{max(before)}"', ' id="here"') if before else mail.html
    return Response(html, mimetype="text/html", headers=headers)


def shown(manuscript: StoredManuscript, language: str) -> ShownMail | None:
    """Return the mail as the page's address asks for it, for the member who was chosen."""
    people = asked_people()
    return show(
        connection(), manuscript, language, people=people, member=chosen_reader(people), who=person().name,
        dark="dark" in request.args, images="no-pictures" not in request.args, public_url=public_root(),
    )  # fmt: skip


def _written(newsletter_id: int) -> tuple[StoredManuscript, str]:
    """Return the newsletter with what was typed, and the language that it was typed in."""
    newsletter = opened(newsletter_id)
    leave_no_line()
    language = asked_language(newsletter)
    texts = {**newsletter.contents.texts, language: _typed(newsletter, language)}
    contents = replace(newsletter.contents, texts=texts)
    return StoredManuscript(newsletter.name, contents, connection(), newsletter), language


def _typed(newsletter: SavedNewsletter, language: str) -> str:
    saved = newsletter.contents.texts[language]
    if "text" in request.form:
        return same_line_ends(request.form["text"], saved)
    seen = text_seen(connection(), newsletter, asked_base(newsletter), language)
    return write_typed(seen, request.form, lambda field, error: None)  # the save says what is wrong with a field


def _piece(text: str) -> int | None:
    """Return the number of the piece that is being edited, by its line or by the name of its field."""
    if line := request.form.get("line", type=int):
        pieces = cut(text)
        found = piece_at(pieces, line)
        return len(pieces) - 1 if found is None else found
    number = re.match(r"\d+", request.form.get("here", ""))
    return int(number[0]) if number else None
