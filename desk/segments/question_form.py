"""Ask questions about the people of a list, as lines of a form or as text, and see how many fulfil them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from desk.access import connection, or_404, right
from desk.forms import Form
from lists.kept_figures import give_kept
from lists.list_people import ListPeople, open_people
from lists.segments.examples import EXAMPLES
from lists.segments.question_error import QuestionError
from lists.segments.question_rows import HOWS, SUBJECTS, QuestionRow, rows_of, text_of
from lists.segments.saved_segments import find_segment
from lists.segments.segment_answers import SegmentAnswer, count_segment
from lists.segments.segment_parser import parse
from lists.segments.segment_tree import spelled
from sender.segments.engagement import engagement
from sender.upkeep.list_counts import ask_to_count

blueprint = Blueprint("questions", __name__, url_prefix="/lists/<name>/segments")
WAIT = 2  # seconds that a page counts; a worker of the desk has others to serve
MOST = 20  # groups, and lines in each

Rows = list[list[QuestionRow]]


@blueprint.get("/ask")
@right("people.see")
def ask(name: str) -> Any:
    """Show a form for a new question, for one of the examples, or for a segment to change."""
    people, kept, example = people_of(name), request.args.get("segment", ""), request.args.get("example", "")
    text = EXAMPLES[int(example) % len(EXAMPLES)][0] if example.isdecimal() and len(example) < 3 else ""
    form = Form(segment=kept, name=kept, text=or_404(find_segment, connection(), name, kept).text if kept else text)
    return question_page(people, form, lines_of(form["text"]))


@blueprint.post("/ask")
@right("people.see")  # a question may be about one person
def change(name: str) -> Any:
    """Count a question that is given as lines or as text, and add a line or leave one out; nothing is stored."""
    people, form = people_of(name), Form("text", "segment", "name")
    rows, do = _typed(), request.form.get("do", "")
    if rows is None:
        return question_page(people, form, lines_of(form["text"]))
    what, _, place = do.partition("-")
    group, _, line = place.partition("-")
    if what == "drop":
        rows = [[row for at, row in enumerate(each) if (f"{number}", f"{at}") != (group, line)]
                for number, each in enumerate(rows)]  # fmt: skip
        rows = [each for each in rows if each]
    elif what == "line" and group.isdecimal() and int(group) < len(rows):
        rows[int(group)].append(QuestionRow(""))
    if what == "group" or not rows:
        rows.append([QuestionRow("")])
    form.values["text"] = text_of(rows)
    return question_page(people, form, rows)


def question_page(people: ListPeople, form: Form, rows: Rows | None) -> Any:
    """Return the page of a question, counted; with the place of its error if it has one."""
    answer, pointer = None, ""
    if form["text"]:
        with form.check("text"):
            try:
                answer = count_for_page(people, form["text"])
            except QuestionError as error:
                pointer = error.pointer
                raise
    fields = {spelled(field): field for field in sorted(people.fields())}
    return form.page(
        "desk/segments/ask.html", list_name=people.name, rows=rows, answer=answer, pointer=pointer, wait=WAIT,
        fields=fields, subjects=SUBJECTS, hows=HOWS, room=rows is not None and len(rows) < MOST,
    )  # fmt: skip


def count_for_page(people: ListPeople, text: str) -> SegmentAnswer:
    """Count who fulfils a question, for as long as a page waits; raises QuestionError."""
    return count_segment(connection(), people.list_id, text, engagement(connection()), wait=WAIT)


def people_of(name: str) -> ListPeople:
    """Return the people of a list; 404 if there is none of that name."""
    give_kept(connection(), ask_to_count, wait=None)  # the names of fields, also for a POST
    return or_404(open_people, connection(), name)


def lines_of(text: str) -> Rows | None:
    """Return a question as lines, one empty line for none; None if it has another form, or an error."""
    try:
        return rows_of(parse(text)) if text.strip() else [[QuestionRow("")]]
    except QuestionError:
        return None


def _typed() -> Rows | None:
    """Return the lines of the form; None if it is the one with the text."""
    if "lines" not in request.form:
        return None
    names = [[(group, line) for line in range(MOST) if f"subject-{group}-{line}" in request.form]
             for group in range(MOST)]  # fmt: skip
    parts = ("subject", "how", "value")
    return [[QuestionRow(*(request.form.get(f"{part}-{at}-{line}", "") for part in parts)) for at, line in group]
            for group in names if group]  # fmt: skip
