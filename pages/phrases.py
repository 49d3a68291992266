"""The words of the unsubscribe page, in the language of the mail that led there, or else in English."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from newsletters.compiled import CompiledEmail

HERE = "en"


def page_words(email: CompiledEmail) -> dict[str, Any]:
    """Return for its templates the `words`, their `language`, and its `direction`."""
    known = _phrases()
    if words := known.get(email.language.split("-")[0]):
        return {"words": words, "language": email.language, "direction": email.direction}
    return {"words": known[HERE], "language": HERE, "direction": "ltr"}


@cache
def _phrases() -> Mapping[str, Mapping[str, str]]:
    text = files("templates").joinpath("web/unsubscribe/phrases.yml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return {language: {**found[HERE], **words} for language, words in found.items()}
