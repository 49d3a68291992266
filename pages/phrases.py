"""The words of the unsubscribe page, in the language of the mail that led there, or else in English."""

from __future__ import annotations

from typing import Any

from daisychain.web.translated_phrases import phrases_for
from newsletters.compiled import CompiledEmail

FILE = "web/unsubscribe/phrases.yml"


def page_words(email: CompiledEmail) -> dict[str, Any]:
    """Return for its templates the `words`, their `language`, and its `direction`."""
    found = phrases_for(FILE, email.language)
    if found.language != email.language.split("-")[0]:
        return found._asdict()
    return {"words": found.words, "language": email.language, "direction": email.direction}
