"""Languages as people write them in a sheet, and their codes."""

from __future__ import annotations

import re

_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
# In English, and as their own speakers call them.
_NAMES = {
    "en": "english", "cy": "welsh cymraeg", "gd": "gaelic gàidhlig", "ga": "irish gaeilge", "gv": "manx",
    "kw": "cornish kernewek", "pl": "polish polski", "fr": "french français francais", "de": "german deutsch",
    "es": "spanish español espanol castellano", "pt": "portuguese português portugues", "it": "italian italiano",
    "ro": "romanian română romana", "nl": "dutch nederlands", "lt": "lithuanian lietuvių", "lv": "latvian latviešu",
    "bg": "bulgarian български", "cs": "czech čeština", "sk": "slovak slovenčina", "hu": "hungarian magyar",
    "el": "greek ελληνικά", "uk": "ukrainian українська", "ru": "russian русский", "tr": "turkish türkçe",
    "ar": "arabic العربية", "fa": "persian farsi فارسی", "ps": "pashto پښتو", "ku": "kurdish kurdî",
    "so": "somali soomaali", "ur": "urdu اردو", "hi": "hindi हिन्दी", "pa": "punjabi panjabi ਪੰਜਾਬੀ",
    "bn": "bengali bangla বাংলা",
    "gu": "gujarati ગુજરાતી", "ta": "tamil தமிழ்", "zh": "chinese mandarin cantonese 中文", "vi": "vietnamese",
    "sq": "albanian shqip", "ti": "tigrinya ትግርኛ", "am": "amharic አማርኛ", "sv": "swedish svenska", "da": "danish dansk",
    "no": "norwegian norsk", "fi": "finnish suomi", "yo": "yoruba", "bfi": "bsl",
}  # fmt: skip
_CODES = {name: code for code, names in _NAMES.items() for name in names.split()}


def language_code(cell: str) -> str | None:
    """Return the code of the first language in `cell`, such as "en-gb" or "Welsh"; "" if empty, None if unknown."""
    # A browser's header has others behind it, and a programme's locale an encoding: en-GB,en;q=0.9 and cy_GB.UTF-8.
    first = re.split(r"[,;/.(]", cell, maxsplit=1)[0].strip()
    if found := _CODES.get(first.casefold()) or _CODES.get(first.casefold().split(" ")[0]):
        return found
    return first.lower().replace("_", "-") if not first or _CODE.fullmatch(first) else None
