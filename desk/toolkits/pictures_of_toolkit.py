"""A toolkit's pictures: shown, removed, and which one is at the top of its page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, url_for

from desk.access import connection, person, right
from desk.forms import Form
from desk.toolkits.opened_toolkit import at_field, done, opened_toolkit
from newsletters.stored.copy_uses import newsletters_with_picture
from newsletters.toolkit_drafts.editing import make_hero, picture_uses, remove_picture
from newsletters.toolkit_drafts.working_copy import WorkingCopy
from newsletters.toolkits.images import MAX_BYTES

blueprint = Blueprint("toolkit_pictures", __name__, url_prefix="/toolkits/<toolkit>/pictures")
PAGE = "desk/toolkits/pictures.html"


@blueprint.get("")
@right("toolkits.write")
def index(toolkit: str) -> Any:
    """Show the pictures with their alt texts, and what uses them."""
    return pictures_page(opened_toolkit(toolkit), Form())


@blueprint.get("/<picture>/file")
@right("toolkits.write")
def file(toolkit: str, picture: str) -> Any:
    """Return a picture of the draft, which has no public address before it is published."""
    found = opened_toolkit(toolkit).toolkit.images.get(picture) or abort(404)
    return Response(found.content, mimetype=found.media_type, headers={"Cache-Control": "private, max-age=600"})


@blueprint.post("/<picture>/remove")
@right("toolkits.write")
def remove(toolkit: str, picture: str) -> Any:
    """Take a picture out of the draft, unless something uses it."""
    draft, form = opened_toolkit(toolkit), Form()
    with at_field(form, f"picture-{picture}"):
        used_by = newsletters_with_picture(connection(), toolkit, picture)
        made = remove_picture(connection(), toolkit, picture, used_by=used_by, who=person().name)
        return done("Removed. A version brings it back.", url_for("toolkit_pictures.index", toolkit=toolkit), made)
    return pictures_page(draft, form)


@blueprint.post("/<picture>/top")
@right("toolkits.write")
def to_the_top(toolkit: str, picture: str) -> Any:
    """Put a picture at the top of the campaign's page."""
    _ = opened_toolkit(toolkit).toolkit.images.get(picture) or abort(404)
    made = make_hero(connection(), toolkit, picture, who=person().name)
    said = "It is at the top of the page once you publish."
    return done(said, url_for("toolkit_pictures.index", toolkit=toolkit), made)


def pictures_page(draft: WorkingCopy, form: Form) -> Any:
    uses = {name: picture_uses(draft, name) for name in draft.toolkit.images}
    return form.page(PAGE, draft=draft, uses=uses, most=MAX_BYTES)
