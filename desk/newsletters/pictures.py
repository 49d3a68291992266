"""Pictures by upload in the blocks view: into a picture's field, or as a new piece; checked before they are stored."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from desk.access import connection, note, person, right
from desk.forms import Form, chosen_file
from desk.newsletters.blocks import changed
from desk.newsletters.opened import opened
from newsletters.stored.newsletters import load
from newsletters.stored.uploads import add_picture, remove_picture
from newsletters.toolkits.images import MAX_BYTES

blueprint = Blueprint("pictures", __name__, url_prefix="/pictures/<int:newsletter_id>")
# More than a picture may have, so that one that is too large is refused with a message, and its form comes back.
LARGEST_UPLOAD = 16 * 1024 * 1024


@blueprint.post("")
@right("newsletters.write")
def upload(newsletter_id: int) -> Any:
    """Store a picture and put it into its field or piece; if it is refused, everything that was typed comes back."""
    newsletter = load(connection(), opened(newsletter_id).id, lock=True)
    _, where, *place = [*request.form.get("what", "").split(" "), ""]
    field, form, typed, what = f"{where}:file", Form(), request.form.copy(), "auto"
    image = None
    with form.check(field):
        name, content = chosen_file(field, MAX_BYTES, "No picture was chosen.")
        newsletter, image = add_picture(connection(), newsletter.id, name, content, who=person().name)
        what, typed[where] = f"save {where.partition(':')[0]}", image.name
        if where == "new":
            what = f"add {place[0]} picture {image.name} {' '.join(typed.get('new:alt', '').split())}".strip()
    answer = changed(newsletter, what, form, typed)
    if image:
        note(newsletter.name, picture=image.name)  # after the save of the text, which may leave no line
    return answer


@blueprint.post("/remove")
@right("newsletters.write")
def remove(newsletter_id: int) -> Any:
    """Take an uploaded picture out of the newsletter, which an undo brings back."""
    newsletter = opened(newsletter_id)
    name = request.form.get("what", "").removeprefix("remove ")
    newsletter = remove_picture(connection(), newsletter.id, name, who=person().name)
    answer = changed(newsletter, "auto", Form(), request.form)
    note(newsletter.name, picture=name)
    return answer
