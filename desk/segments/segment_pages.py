"""Segments of a list: all of them, and keeping, changing and deleting one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from desk.access import connection, note, or_404, person, right, tell_at
from desk.forms import Form
from desk.segments.question_form import count_for_page, lines_of, people_of, question_page
from lists.segments.examples import EXAMPLES
from lists.segments.saved_segments import change_segment, create_segment, delete_segment, segments_of

blueprint = Blueprint("segments", __name__, url_prefix="/lists/<name>/segments")


@blueprint.get("")
@right("lists.see")
def index(name: str) -> Any:
    """Show the segments of a list, and ten questions to begin with."""
    people = people_of(name)
    return render_template(
        "desk/segments/index.html", list_name=people.name, segments=segments_of(connection(), name), examples=EXAMPLES
    )


@blueprint.post("/keep")
@right("lists.write")
def keep(name: str) -> Any:
    """Keep a question under a name, or change the one of a segment."""
    people, form = people_of(name), Form("text", "segment", "name")
    with form.check("text"):
        count_for_page(people, form["text"])
    if not form.errors:
        with form.check("name"):
            if form["segment"]:
                kept = change_segment(connection(), name, form["segment"], form["text"])
            else:
                kept = create_segment(connection(), name, form["name"], form["text"], by=person().name)
            note(f"list {name}", segment=kept.name)
    if form.errors:
        return question_page(people, form, lines_of(form["text"]))
    return tell_at("segments.index", f"“{kept.name}” is kept.", name=name)


@blueprint.post("/<segment>/delete")
@right("lists.write")
def delete(name: str, segment: str) -> Any:
    """Delete a segment; campaigns that were made with it keep its question."""
    or_404(delete_segment, connection(), name, segment)
    note(f"list {name}", deleted_segment=segment)
    return tell_at("segments.index", f"“{segment}” is deleted.", name=name)
