"""Builds the tree while the grammar reads: a method for each rule of grammar.lark, and what the grammar can't say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from lark import Token, Transformer

from daisychain.suggestions import nearest
from lists.bases import BASES
from lists.segments import segment_tree as tree
from lists.segments.question_error import NotReadableError
from lists.segments.segment_tree import Engaged, FieldTest, How, Negated, Period, Question, Value
from lists.tables import FIELD

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
DEEPEST = 20  # groups within groups
_LONGEST_SPAN = 36_500  # days
_MOST_CAMPAIGNS = 100
_BASES = (*BASES, "soft-opt-in")
_ENGAGED: Mapping[str, Any] = {"opened": "opened", "clicked": "clicked", "was": "was sent"}


def _test(how: How) -> Callable[[Any, Sequence[Any]], FieldTest]:
    """Return the method of a rule that compares its subject so."""
    return lambda _, parts: _comparison(parts[0], how, *parts[1:])


def _opposite(how: How) -> Callable[[Any, Sequence[Any]], Question]:
    return lambda _, parts: Negated(_comparison(parts[0], how, *parts[1:]))


class QuestionBuilder(Transformer[Token, Question]):
    """Turns the rules of the grammar into nodes; raises NotReadableError."""

    def any_of(self, parts: Sequence[Question]) -> Question:
        return _not_too_deep(tree.AnyOf(tuple(parts)))

    def all_of(self, parts: Sequence[Question]) -> Question:
        return _not_too_deep(tree.AllOf(tuple(parts)))

    def negated(self, parts: Sequence[Question]) -> Question:
        return _not_too_deep(Negated(parts[0]))

    def text(self, parts: Sequence[Token]) -> tuple[str, Token]:
        inside = parts[0][1:-1]
        return _ESCAPED.sub(r"\1", inside) if parts[0][0] in "\"'" else inside, parts[0]

    def bare(self, parts: Sequence[Token]) -> tuple[str, Token]:
        return str(parts[0]), parts[0]

    def number(self, parts: Sequence[Token]) -> tuple[Decimal, Token]:
        if len(parts[0]) > 25:
            raise NotReadableError("This number is too long", _at(parts[0]), "A text of digits needs quotation marks.")
        return Decimal(parts[0]), parts[0]

    def day(self, parts: Sequence[Token]) -> tuple[date, Token]:
        return _day(parts[0]), parts[0]

    def span(self, parts: Sequence[Token]) -> tuple[Period, Token]:
        unit = parts[1].lower().removesuffix("s")
        count = _count(parts[0], _LONGEST_SPAN // _DAYS[unit])
        return Period(count, unit), parts[0]  # type: ignore[arg-type]

    is_, is_not = _test("is"), _opposite("is")
    is_empty, is_not_empty = _test("is empty"), _opposite("is empty")
    contains, contains_not = _test("contains"), _opposite("contains")
    in_, not_in = _test("in"), _opposite("in")
    in_last, ago = _test("in last"), _test("ago")

    def compared(self, parts: Sequence[Any]) -> FieldTest:
        return _comparison(parts[0], parts[1].lower(), parts[2])

    def on_list(self, parts: Sequence[Any]) -> Question:
        return tree.OnList(parts[1][0], _at(parts[1][1]))

    def agreed(self, parts: Sequence[Token]) -> Question:
        return tree.AgreedToTracking(_at(parts[0]))

    def engaged(self, parts: Sequence[Token]) -> Question:
        return Engaged(_ENGAGED[parts[0].lower()], _campaigns(parts[1:]), at=_at(parts[0]))

    def clicked_link(self, parts: Sequence[Any]) -> Question:
        link, token = parts[1]
        if not link.strip():
            raise NotReadableError("Name the link: a part of its address, or of its text", _at(token))
        return Engaged("clicked", _campaigns(parts[2:]) if parts[2:] else None, link, _at(parts[0]))


def _comparison(name: Token, how: How, *values: tuple[Value, Token]) -> FieldTest:
    """Return a comparison, once its subject can be compared so."""
    subject = _subject(name)
    if subject in tree.DATES:
        for value, token in values:
            if how in ("contains", "in", "<", "<=", ">", ">=") or isinstance(value, str | Decimal):
                hint = f"For instance: {subject} in last 30 days, {subject} before 2026-05-31"
                raise NotReadableError(f"“{subject}” is a date", _at(token), hint)
    elif subject in tree.OF_MEMBERSHIP:
        for value, token in values:
            if not isinstance(value, str):
                raise NotReadableError(f"“{subject}” is a text", _at(token), 'For instance: organisation is "Mind"')
            if subject == "consent" and (how == "contains" or value.lower() not in _BASES):
                raise NotReadableError(f"There is no basis “{value}”", _at(token), nearest(value, _BASES))
    if how == "contains" and not values[0][0]:
        raise NotReadableError("Say what it contains, in quotation marks", _at(values[0][1]))
    return FieldTest(subject, how, tuple(value for value, _ in values), _at(name))


def _subject(name: Token) -> str:
    """Return the one spelling of a subject; `member.` is left out if no word of the language has the name."""
    written = name.lower()
    field = written.removeprefix(tree.EXPLICIT)
    if not FIELD.fullmatch(field):
        raise NotReadableError(
            f"“{name}” is not how a field is written", _at(name), "Small letters, digits and underscores: first_name."
        )
    return tree.spelled(field) if written != field else field


def _count(token: Token, most: int) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,8}", token) or int(token) > most:
        raise NotReadableError(f"Write a number from 1 to {most:,} here", _at(token))
    return int(token)


def _day(token: Token) -> date:
    try:
        day = date.fromisoformat(token)
    except ValueError:
        raise NotReadableError(f"There is no day {token}", _at(token), "Dates are written as 2026-05-31.") from None
    if not 1900 <= day.year <= 2200:
        raise NotReadableError("Dates are from 1900 to 2200", _at(token))
    return day


def _campaigns(parts: Sequence[Token]) -> int:
    """Return how many campaigns are meant: "last campaign" is one, "last 3 campaigns" three."""
    return _count(parts[0], _MOST_CAMPAIGNS) if len(parts) > 1 else 1


def _at(token: Token) -> int:
    return token.start_pos or 0


def _not_too_deep(question: Question) -> Question:
    if _depth(question) > DEEPEST:
        first = next(tree.conditions_of(question))
        raise NotReadableError(f"A question has at most {DEEPEST} groups within groups", first.at)
    return question


def _depth(question: Question) -> int:
    if isinstance(question, tree.AllOf | tree.AnyOf):
        return 1 + max(map(_depth, question.parts))
    return 1 + _depth(question.part) if isinstance(question, Negated) else 0
