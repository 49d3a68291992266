"""Conditions as sentences: a field is known, is unknown, or equals a text; anything else stays source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from newsletters.pieces.outline import SourcePiece
from newsletters.pieces.regions import first_line
from newsletters.pieces.values import FieldError, one_line

Asked = Literal["known", "unknown", "equals"]

_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
_TEST = re.compile(
    r"""(?P<open>\s*\{%[-+]?\s*if\s+)(?P<not>not\s+)?member\.(?P<field>[a-z_][a-z0-9_]*)
    (?:\s*==\s*(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))?(?P<close>\s*[-+]?%\}\s*)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Sentence:
    """The question of a condition: people whose `field` is as `asked` see its first part."""

    field: str
    asked: Asked
    value: str = ""


def sentence_of(piece: SourcePiece) -> Sentence | None:
    """Return the sentence of a condition; None if it asks something else."""
    found = _TEST.fullmatch(first_line(piece)[1])
    if found is None or (found["not"] and found["value"]):
        return None
    if found["value"]:
        return Sentence(found["field"], "equals", _text(found["value"]))
    return Sentence(found["field"], "unknown" if found["not"] else "known")


def label_of(sentence: Sentence) -> str:
    """Return who sees what is inside a condition, for people."""
    field = sentence.field.replace("_", " ")
    if sentence.asked == "equals":
        return f"Only for people whose {field} is “{sentence.value}”"
    return f"Only for people {'with' if sentence.asked == 'known' else 'without'} a {field}"


def write_sentence(piece: SourcePiece, sentence: Sentence) -> str:
    """Return the source of a condition that asks something else; raises FieldError."""
    start, line = first_line(piece)
    found = _TEST.fullmatch(line)
    if found is None or not _FIELD.fullmatch(sentence.field):
        raise FieldError("field", f"{sentence.field!r} is no field.", "Choose one of the list's fields.")
    value = one_line(sentence.value, "value") if sentence.asked == "equals" else ""
    if sentence.asked == "equals" and not value:
        raise FieldError("value", "There is no text to compare with.", "Write it, or choose: is unknown.")
    test = f"{found['open']}{'not ' if sentence.asked == 'unknown' else ''}member.{sentence.field}"
    if sentence.asked == "equals":
        value = value.replace("\\", "\\\\").replace('"', '\\"')
        test += f' == "{value}"'
    return piece.source[:start] + test + found["close"] + piece.source[start + len(line) :]


def new_condition(sentence: Sentence, inside: str) -> str:
    """Return the source of a new condition around `inside`; raises FieldError."""
    blank = SourcePiece("condition", "", 1, "{% if member.x %}\n{% endif %}\n")
    begin, _, end = write_sentence(blank, sentence).partition("\n")
    return f"{begin}\n{inside.rstrip()}\n{end}"


def _text(quoted: str) -> str:
    # As Jinja2 reads it.
    return quoted[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape", "replace")
