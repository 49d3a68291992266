"""Language names: what languages are called in English, for those who write and look at newsletters."""

from __future__ import annotations

_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cy": "Welsh", "de": "German", "en": "English", "es": "Spanish", "fa": "Persian",
    "fr": "French", "ga": "Irish", "gd": "Scottish Gaelic", "gu": "Gujarati", "hi": "Hindi", "it": "Italian",
    "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "so": "Somali", "ta": "Tamil",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "zh": "Chinese",
}  # fmt: skip


def language_name(code: str) -> str:
    """What the language with this code (such as cy or pt-BR) is called; its code in words where we have no name."""
    return _NAMES.get(code.split("-")[0], f"the language with the code {code}")
