"""Phrases of public pages and of the mails that belong to them, by language; English for what is not translated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from daisychain.text_direction import direction_of

FALLBACK = "en"


class Phrases(NamedTuple):
    """Phrases by name, the language that they are in, and its direction, as templates want them."""

    words: Mapping[str, str]
    language: str
    direction: str


def phrases_for(path: str, language: str) -> Phrases:
    """Return the phrases of a file of `templates` in a language or, if it lacks that, in English: never half of one."""
    known = phrases_of(path)
    base = language.split("-")[0].lower()
    given = base if base in known else FALLBACK
    return Phrases(known[given], given, direction_of(given))


@cache
def phrases_of(path: str) -> Mapping[str, Mapping[str, str]]:
    """Return all phrases of a file by language, with English in the place of what is missing."""
    text = files("templates").joinpath(path).read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return {language: {**found[FALLBACK], **words} for language, words in found.items()}
