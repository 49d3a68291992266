"""Read a question from its text; an error points at the character and suggests what is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from daisychain.slug import normal_form
from lists.segments.question_error import NotReadableError, QuestionError

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput

    from lists.segments.segment_tree import Question

LONGEST = 4_000  # characters
HINT = 'For instance: region is "Wales" and joined in last 30 days'
# Terminals of the grammar as people read them; others are the word itself.
_SHOWN = {
    "NAME": "a field or a word", "STRING": "a text in quotation marks", "NUMBER": "a number", "DATE": "a date",
    "_OPEN": "(", "_CLOSE": ")", "_COMMA": ",", "_EQUALS": "=", "_UNEQUAL": "!=", "COMPARISON": "<", "SIDE": "before",
    "UNIT": "days", "$END": "",
}  # fmt: skip
_SHOWN_AT_MOST = 40  # characters of a word
_WORD = re.compile(r"[^\s()\"'“”‘’,]+|.", re.DOTALL)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|“[^”]*”|‘[^’]*’", re.DOTALL)
_LIKE_A_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


def parse(text: str) -> Question:
    """Read a question; raises QuestionError."""
    from lark.exceptions import UnexpectedInput

    text = cleaned(text)
    try:
        _require_text(text)
        try:
            return _grammar().parse(text)  # type: ignore[return-value]
        except UnexpectedInput as error:
            raise _unexpected(error, text) from None
    except NotReadableError as error:
        raise QuestionError(error.message, text, error.at, hint=error.hint) from None


def cleaned(text: str) -> str:
    """Return a text as it is read, in which errors count characters."""
    return normal_form("NFC", text.strip())


@cache
def _grammar() -> Lark:
    # Reading the grammar takes 50 ms, which only commands about segments should pay.
    from lark import Lark

    from lists.segments.question_builder import QuestionBuilder

    source = files("lists.segments").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(source, parser="lalr", transformer=QuestionBuilder())


def _require_text(text: str) -> None:
    if not text:
        raise NotReadableError("The question is empty", 0, HINT)
    if len(text) > LONGEST:
        raise NotReadableError(f"A question has at most {LONGEST:,} characters; this one has {len(text):,}", LONGEST)
    for at, each in enumerate(text):
        if unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\r\t":
            raise NotReadableError(f"U+{ord(each):04X} is no character that a text may have", at)


def _unexpected(error: UnexpectedInput, text: str) -> NotReadableError:
    """Return what is wrong at a place where the grammar can't go on."""
    at = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(text)
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        at = len(text)
    expected = getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", ())
    words = sorted({_SHOWN.get(name, name.strip("_").lower()) for name in expected or ()} - {""})
    if at >= len(text):
        return NotReadableError("The question ends too early", len(text), _one_of(words))
    word = _QUOTED.match(text, at) or _WORD.match(text, at)
    found = word[0][:_SHOWN_AT_MOST] if word else text[at]
    if found in "\"'“‘":
        return NotReadableError(f"The quotation mark {found} is not closed", at)
    if found == ")" and (not words or "and" in words):
        return NotReadableError("There is no “(” for this “)”", at)
    return NotReadableError(f"“{found}” does not fit here", at, _hint(found, words))


def _hint(found: str, words: list[str]) -> str:
    if _LIKE_A_DATE.fullmatch(found):
        return "Write dates as 2026-05-31, and a text in quotation marks."
    if close := get_close_matches(found.lower(), words, n=1):
        return f"Did you mean “{close[0]}”?"
    if "and" in words:
        return "Put “and” or “or” between conditions, and a value of several words in quotation marks."
    return _one_of(words)


def _one_of(words: Iterable[str]) -> str:
    return f"What can follow: {', '.join(words)}."
