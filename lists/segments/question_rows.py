"""A question as rows of a form: in groups, of which one must hold, each of rows that must all hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lists.segments.question_error import QuestionError
from lists.segments.segment_parser import parse
from lists.segments.segment_tree import AgreedToTracking, AllOf, AnyOf, Engaged, FieldTest, Negated, OnList, Question
from lists.segments.segment_writer import NEGATIVE, as_text

# What a row may be about beside the fields of a list, and how it is shown.
SUBJECTS = {
    "joined": "joined this list", "consented": "date of consent", "consent": "consent", "organisation": "organisation",
    "on list": "on the list", "agreed to tracking": "agreed to tracking", "opened": "opened any of the last campaigns",
    "clicked": "followed a link in the last campaigns", "was sent": "was sent any of the last campaigns",
    "clicked on": "followed a link with the words",
}  # fmt: skip
# How a row compares, and how it is shown; the first two are all that subjects without a comparison have.
HOWS = {
    "is": "is", "is not": "is not", "contains": "contains", "does not contain": "does not contain",
    "is empty": "is empty", "is not empty": "is not empty", "in": "is one of (with commas)",
    "not in": "is none of (with commas)", ">": "is more than", "<": "is less than", "before": "is before",
    "after": "is after", "in last": "was in the last", "more than": "was longer ago than",
}  # fmt: skip
_NO_TEXT = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?|\d{4}-\d\d-\d\d")
_CAMPAIGNS = ("opened", "clicked", "was sent")


@dataclass(frozen=True)
class QuestionRow:
    """One row: what it is about, how it compares, and with what, as it is typed."""

    subject: str
    how: str = "is"
    value: str = ""


def text_of(groups: Sequence[Sequence[QuestionRow]]) -> str:
    """Return rows as the text of a question, which may have errors; rows without a subject are left out."""
    written = [" and ".join(_condition(row) for row in group if row.subject) for group in groups]
    written = [each for each in written if each]
    return " or ".join(f"({each})" if " and " in each and len(written) > 1 else each for each in written)


def rows_of(question: Question) -> list[list[QuestionRow]] | None:
    """Return a question as rows; None if it has another form."""
    groups = [
        [_row(part) for part in (group.parts if isinstance(group, AllOf) else (group,))]
        for group in (question.parts if isinstance(question, AnyOf) else (question,))
    ]
    found = [[row for row in group if row] for group in groups]
    try:
        return found if parse(text_of(found)) == question else None
    except QuestionError:
        return None


def _condition(row: QuestionRow) -> str:
    no = "not " if row.how.startswith(("is not", "not", "does not")) else ""
    value = row.value.strip()
    if row.subject == "agreed to tracking":
        return f"{no}{row.subject}"
    if row.subject == "on list":
        return f"{no}on list {as_text(value)}"
    if row.subject == "clicked on":
        return f"{no}clicked {as_text(value)}"
    if row.subject in _CAMPAIGNS:
        return f"{no}{row.subject} any of last {value or 1} campaigns"
    if row.how in ("is empty", "is not empty"):
        return f"{row.subject} {row.how}"
    if row.how in ("in", "not in"):
        return f"{row.subject} {row.how} ({', '.join(_typed(each.strip()) for each in value.split(','))})"
    if row.how in ("in last", "more than"):
        return f"{row.subject} {row.how} {value}{' ago' if row.how == 'more than' else ''}"
    typed = value if row.how in (">", "<", "before", "after") else _typed(value, row.how)
    return f"{row.subject} {row.how} {typed}"


def _typed(value: str, how: str = "") -> str:
    """Return a value as it is if it is a number or a date, else in quotation marks."""
    return value if _NO_TEXT.fullmatch(value) and "contain" not in how else as_text(value)


def _row(part: Question) -> QuestionRow | None:
    no = isinstance(part, Negated)
    inner = part.part if isinstance(part, Negated) else part
    how = "is not" if no else "is"
    match inner:
        case OnList(name):
            return QuestionRow("on list", how, name)
        case Engaged(_, None, link):
            return QuestionRow("clicked on", how, link)
        case AgreedToTracking():
            return QuestionRow("agreed to tracking", how)
        case Engaged(what, campaigns, ""):
            return QuestionRow(what, how, str(campaigns))
        case FieldTest(subject, compared, values):
            named = NEGATIVE.get(compared, "") if no else "more than" if compared == "ago" else compared
            shown = ", ".join(each if isinstance(each, str) else as_text(each) for each in values)
            return QuestionRow(subject, named, shown)
    return None
