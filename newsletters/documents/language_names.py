"""Name languages in English, for staff, and recognise English words among others."""

from __future__ import annotations

import re

_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cy": "Welsh", "de": "German", "en": "English", "es": "Spanish", "fa": "Persian",
    "fr": "French", "ga": "Irish", "gd": "Scottish Gaelic", "gu": "Gujarati", "hi": "Hindi", "it": "Italian",
    "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "so": "Somali", "ta": "Tamil",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "zh": "Chinese",
}  # fmt: skip


def language_name(code: str) -> str:
    """Return the name of the language with this code (such as cy or pt-BR), or a phrase with the code if unknown."""
    return _NAMES.get(code.split("-")[0], f"the language with the code {code}")


# English prose has a quarter of these; other languages have one of them here and there.
_ENGLISH = re.compile(r"\b(?:the|and|of|you|your|with|that|this|for|we|is|to)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


def is_english(text: str) -> bool:
    """Return whether `text`, a sentence or more, is in English."""
    return 8 * len(_ENGLISH.findall(text)) >= max(16, len(_WORD.findall(text)))
