"""Values of forms as they are written into source, so that the compiler reads back what was typed.

An expression `{{ … }}` in a value stays one, with its quotes single; everything else is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from daisychain.errors import InputError
from newsletters.compose.directives import ATTRIBUTE, CURLY, DIRECTIVE, ESCAPED, NAME
from newsletters.documents.characters import characters
from newsletters.expressions.broken_tags import broken_tags, tags
from newsletters.expressions.parse import ENVIRONMENT

# A quote behind a backslash opens nothing.
_QUOTED = re.compile(r'\\.|"((?:[^"\\]|\\.)*)"', re.DOTALL)
_FOLDS = "\u2028\u2029\ufeff\ufffe\uffff"


class FieldError(InputError):
    """A value that can't be written; `field` is the form's field, beside which the message is shown."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


@contextmanager
def of_field(field: str) -> Iterator[None]:
    """Run a step; what it refuses is an error of this field. Raises FieldError."""
    try:
        yield
    except InputError as error:
        raise FieldError(field, error.message, error.hint) from None


@dataclass(frozen=True)
class Given:
    """An attribute as it is in a line: its name (None for the main one), its value as typed, and its places.

    `start` is where the space before it begins, `value` where its value does, with quotes, and `end` where it ends.
    """

    name: str | None
    typed: str
    start: int
    value: int
    end: int


@dataclass(frozen=True)
class Header:
    """The line that begins a block: its name, its attributes, and where the name and the last attribute end."""

    block: str
    given: tuple[Given, ...]
    name_end: int
    end: int


def read_header(line: str) -> Header | None:
    """Return what a directive's line says; None if it can't be read."""
    masked = _masked(line)
    found = DIRECTIVE.fullmatch(masked.rstrip("\r\n")) if masked is not None else None
    name = NAME.match(found[1]) if found else None
    if masked is None or found is None or name is None:
        return None
    given: list[Given] = []
    at = name_end = found.start(1) + name.end()
    end = len(masked.rstrip())
    while at < end:
        each = ATTRIBUTE.match(masked, at, end)
        if each is None or CURLY.match(each["bare"] or ""):
            return None
        begin, finish = each.span("bare") if each["bare"] else each.span("quoted")
        quotes = int(not each["bare"])
        given.append(Given(each["name"], read_value(line[begin:finish]), at, begin - quotes, finish + quotes))
        at = each.end()
    return Header(name[1], tuple(given), name_end, at)


def read_value(raw: str) -> str:
    """Return an attribute's value as somebody would type it: without escapes, and expressions as they are."""
    return "".join(part if tag else characters(ESCAPED.sub(r"\1", part)) for part, tag in parts(raw))


def write_value(typed: str, field: str) -> str:
    """Return a value for an attribute, with its quotes; raises FieldError."""
    written = "".join(_single_quoted(part) if tag else _escaped(part) for part, tag in parts(one_line(typed, field)))
    return f'"{written}"'


def _escaped(text: str) -> str:
    # A comment that begins in an attribute would take in the lines below.
    return referenced(text).replace("<!--", "&lt;!--").replace("\\", "\\\\").replace('"', '\\"')


def one_line(typed: str, field: str, *, conditions: bool = False) -> str:
    """Return a value without line ends and characters that no source holds.

    Raises FieldError for an expression that can't be read, and for `{%` unless `conditions` may be in it.
    """
    typed = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cs") or sign in _FOLDS else sign for sign in typed
    ).strip()
    for tag in tags(typed):
        if tag["value"] is None and not conditions:
            hint = "A field is written {{ member.first_name }}; a condition goes around the whole piece."
            raise FieldError(field, f"{tag[0][:2]} has a meaning of its own, and can't be used here.", hint)
    for broken in broken_tags(typed, ENVIRONMENT, ""):
        raise FieldError(field, broken.message, broken.hint)
    return typed


def referenced(text: str) -> str:
    """Return text in which nothing is a character reference that was not typed as two: & for &amp;."""
    return text.replace("&", "&amp;") if characters(text) != text else text


def single_quotes(typed: str) -> str:
    """Return a value whose expressions have single quotes only."""
    return "".join(_single_quoted(part) if tag else part for part, tag in parts(typed))


def _single_quoted(tag: str) -> str:

    def single(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        return "'" + found[1].replace('\\"', '"').replace("'", "\\'") + "'"

    return _QUOTED.sub(single, tag)


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a value in order, each with whether it is a tag."""
    at = 0
    for tag in tags(text):
        yield text[at : tag.start()], False
        yield tag[0], True
        at = tag.end()
    yield text[at:], False


def _masked(line: str) -> str | None:
    """Return a line with letters in place of its tags, whose quotes end no attribute; None if a tag is not closed."""
    masked, at = [], 0
    for tag in tags(line):
        if not (tag["value_end"] or tag["statement_end"] or tag[0].endswith("#}")):
            return None
        masked += [line[at : tag.start()], "x" * len(tag[0])]
        at = tag.end()
    return "".join([*masked, line[at:]])
