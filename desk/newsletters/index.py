"""The list of newsletters; make one, rename it, delete it and bring it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for

from daisychain.errors import InputError
from daisychain.web.row_numbers import row_number
from desk.access import connection, note, person, right, tell_at
from desk.forms import Form, asked_number
from desk.newsletters.opened import opened
from newsletters.compose.blocks import registry
from newsletters.documents.document import parse_document
from newsletters.preview.thumbnails import find_thumbnail
from newsletters.stored.beginnings import from_starter
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import (
    SavedNewsletter,
    create,
    delete_newsletter,
    list_newsletters,
    load,
    rename,
    undelete,
)
from newsletters.toolkit_store.store import list_toolkits
from sender.launching.newsletter_states import newsletter_states

blueprint = Blueprint("newsletters", __name__, url_prefix="/newsletters")
PAGE = 50
# An earlier newsletter as the beginning, in the form's field; else it is a layout, whose starter is taken.
EARLIER = "newsletter "


@blueprint.get("")
@right("newsletters.write")
def index() -> Any:
    """List newsletters, the newest change first; an empty list is the form for the first one."""
    words, skip = request.args.get("words", ""), asked_number("skip") or 0
    found = list_newsletters(connection(), words, at_most=PAGE + 1, skip=skip)
    states = newsletter_states(connection(), [origin_of(each.name) for each in found])
    said = {each.name: states[origin_of(each.name)] for each in found if origin_of(each.name) in states}
    titles = {each.name: each.title for each in list_toolkits(connection())}
    return _new_form().page(
        "desk/newsletters/index.html", newsletters=found[:PAGE], words=words, toolkit_titles=titles, **_choices(),
        sent=said, layout_names=registry().layouts, older=skip + PAGE if len(found) > PAGE else None,
        deleted=asked_number("deleted"),
    )  # fmt: skip


@blueprint.get("/<int:newsletter_id>/thumbnail")
@right("newsletters.write")
def thumbnail(newsletter_id: int) -> Any:
    """Return the small picture of a newsletter."""
    content = find_thumbnail(connection(), opened(newsletter_id).id) or abort(404)
    return Response(content, mimetype="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


@blueprint.get("/new")
@right("newsletters.write")
def new() -> Any:
    """Ask from which toolkit, and what it begins with."""
    return _new_form().page("desk/newsletters/new.html", **_choices())


@blueprint.post("/new")
@right("newsletters.write")
def make() -> Any:
    """Make a newsletter, and open it."""
    form, made = Form("toolkit", "begin"), None
    with form.check("begin"):
        made = _made(form["toolkit"], form["begin"])
    if made is None:
        return form.page("desk/newsletters/new.html", **_choices())
    note(made.name)
    return redirect(url_for("blocks.index", newsletter_id=made.id))


@blueprint.post("/<int:newsletter_id>/rename")
@right("newsletters.write")
def change_title(newsletter_id: int) -> Any:
    """Give a newsletter another title."""
    newsletter = opened(newsletter_id)
    rename(connection(), newsletter.id, request.form.get("title", ""))
    return tell_at("versions.index", "Renamed.", newsletter_id=newsletter.id)


@blueprint.post("/<int:newsletter_id>/delete")
@right("newsletters.write")
def delete(newsletter_id: int) -> Any:
    """Delete a newsletter; the list then offers to undo it."""
    delete_newsletter(connection(), opened(newsletter_id).id, who=person().name)
    return redirect(url_for("newsletters.index", deleted=newsletter_id))


@blueprint.post("/<int:newsletter_id>/undelete")
@right("newsletters.write")
def bring_back(newsletter_id: int) -> Any:
    """Bring a deleted newsletter back."""
    found = undelete(connection(), newsletter_id, who=person().name)
    note(found.name)
    return tell_at("newsletters.index", f"{found.title} is back.")


def _new_form() -> Form:
    return Form(toolkit=list_toolkits(connection())[0].name, begin="bulletin")


def _choices() -> dict[str, Any]:
    earlier = list_newsletters(connection(), at_most=20)
    return {
        "toolkits": [(each.name, each.title) for each in list_toolkits(connection())],
        "layouts": [(name, name.capitalize(), summary, f"starters/{name}.svg")
                    for name, summary in registry().layouts.items()],
        "earlier": [(f"{EARLIER}{each.id}", each.title, f"Copied as it is, last changed by {each.updated_by}.")
                    for each in earlier],
    }  # fmt: skip


def _made(toolkit: str, begin: str) -> SavedNewsletter:
    if number := row_number(begin.removeprefix(EARLIER)):
        earlier = load(connection(), number)
        return create(connection(), f"{earlier.title} (copy)", earlier.contents, who=person().name)
    if begin not in registry().layouts:
        raise InputError("Choose what it begins with.")
    contents = from_starter(connection(), toolkit, begin)
    document = parse_document(contents.texts[""], "newsletter.md", None)
    return create(connection(), document.title or document.subject, contents, who=person().name)
