"""Readability: how hard English text is to read, and its spelling mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from shutil import which

# A mail address from the first sign of its word only: tried at each, a long word would take quadratic time.
_ADDRESS = re.compile(r"<?(?:https?://|mailto:|www\.)\S+|(?<!\S)\S[^\s@]*@\S+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|\n\s*\n|\n(?=\s*[-*•|>] )")
# Of these, the program takes a second for each 100 kB, and nobody misspells such long words.
_ENDLESS = re.compile(r"\S{100,}")
_INSIDE = re.compile(r"(?<=[\w,;] )\w+")
TIMEOUT = 20  # seconds


def sentences(text: str) -> list[list[str]]:
    """Return the words of each sentence of plain text, without addresses, rules and lines of one or two words."""
    pieces = _END.split(_ADDRESS.sub("", text))
    return [words for words in (_WORD.findall(piece) for piece in pieces) if len(words) > 2]


def reading_age(prose: Sequence[Sequence[str]]) -> float:
    """Return the age in years at which people at school can read it: five more than the Automated Readability Index.

    4.71 letters a word + 0.5 words a sentence - 21.43 is the US grade (Smith and Senter 1967, AMRL-TR-66-220), which
    is five years younger than its pupils. It counts letters and not syllables, so that nothing has to be guessed.
    """
    words = [word for sentence in prose for word in sentence]
    grade = 4.71 * sum(map(len, words)) / len(words) + 0.5 * len(words) / len(prose) - 21.43
    return grade + 5


def misspelt(text: str, known: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each word that is a known mistake in British English, with what was meant; words of `known` are right.

    Words with a capital inside a sentence are taken for names.
    """
    program = _program()
    if program is None or not text.strip():
        return
    names = {word.casefold() for word in _WORD.findall(known)}
    prose = _ENDLESS.sub("", _ADDRESS.sub("", text))
    inside = set(_INSIDE.findall(prose))
    for wrong, right in dict(_asked(program, prose)).items():
        if wrong.casefold() not in names and wrong.capitalize() not in inside:
            yield wrong, right


def _asked(program: str, text: str) -> list[tuple[str, list[str]]]:
    # It knows mistakes and not words: it is hardly ever wrong, and needs no dictionary of names and places.
    command = [program, "--isolated", "--locale", "en-gb", "--format", "json", "-"]
    try:
        run = subprocess.run(
            command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT, check=False
        )
        reported = [json.loads(line) for line in run.stdout.splitlines()]
    except (OSError, subprocess.TimeoutExpired, ValueError):  # a hint is not worth a broken check
        return []
    return [(each["typo"], each["corrections"]) for each in reported if each["type"] == "typo"]


@cache
def _program() -> str | None:
    """Return the program `typos`, which comes as a package: beside this Python, or on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "typos"
    return which(str(beside)) or which("typos")
