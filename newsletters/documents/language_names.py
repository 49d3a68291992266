"""Name languages, in English for staff and by their own names for everybody, and recognise English words."""

from __future__ import annotations

import re

_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cy": "Welsh", "de": "German", "en": "English", "es": "Spanish", "fa": "Persian",
    "fr": "French", "ga": "Irish", "gd": "Scottish Gaelic", "gu": "Gujarati", "hi": "Hindi", "it": "Italian",
    "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "so": "Somali", "ta": "Tamil",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "zh": "Chinese",
}  # fmt: skip

_OWN_NAMES = {
    "ar": "العربية", "bn": "বাংলা", "cy": "Cymraeg", "de": "Deutsch", "en": "English", "es": "Español", "fa": "فارسی",
    "fr": "Français", "ga": "Gaeilge", "gd": "Gàidhlig", "gu": "ગુજરાતી", "hi": "हिन्दी", "it": "Italiano",
    "pa": "ਪੰਜਾਬੀ", "pl": "Polski", "pt": "Português", "ro": "Română", "so": "Soomaali", "ta": "தமிழ்", "tr": "Türkçe",
    "uk": "Українська", "ur": "اردو", "zh": "中文",
}  # fmt: skip
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def language_name(code: str) -> str:
    """Return the name of the language with this code (such as cy or pt-BR), or a phrase with the code if unknown."""
    return _NAMES.get(code.split("-")[0], f"the language with the code {code}")


def own_name(code: str) -> str:
    """Return the name of a language as its speakers write it, such as Cymraeg; in English if we don't know it."""
    return _OWN_NAMES.get(code.split("-")[0], language_name(code))


# English prose has a quarter of these; other languages have one of them here and there.
_ENGLISH = re.compile(r"\b(?:the|and|of|you|your|with|that|this|for|we|is|to)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


def is_english(text: str) -> bool:
    """Return whether `text`, a sentence or more, is in English."""
    return 8 * len(_ENGLISH.findall(text)) >= max(16, len(_WORD.findall(text)))
