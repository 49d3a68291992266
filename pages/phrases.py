"""The words of readers' pages, in the language of the mail that led there, or else in English."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from daisychain.clock import home_zone
from daisychain.web.translated_phrases import phrases_for
from newsletters.compiled import CompiledEmail

UNSUBSCRIBE, PREFERENCES = "web/unsubscribe/phrases.yml", "web/preferences/phrases.yml"


def page_words(email: CompiledEmail, *files: str) -> dict[str, Any]:
    """Return for its templates the `words` of the files, their `language`, and its `direction`; a later file wins."""
    found = [phrases_for(file, email.language) for file in files or [UNSUBSCRIBE]]
    words = {name: phrase for each in found for name, phrase in each.words.items()}
    if found[0].language != email.language.split("-")[0]:
        return found[0]._replace(words=words)._asdict()
    return {"words": words, "language": email.language, "direction": email.direction}


def day_in(language: str, moment: datetime) -> str:
    """Return a moment's day as people write it in a language, such as "3 Mawrth 2027"."""
    local = moment.astimezone(home_zone())
    months = phrases_for(PREFERENCES, language).words["months"].split()
    return f"{local.day} {months[local.month - 1]} {local.year}"
