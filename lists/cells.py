"""Cells as spreadsheets, people and other tools write them: dates, names in one piece, languages; and their cache."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from daisychain.csv_cells import unguard
from daisychain.missing_values import MISSING
from daisychain.terminal_text import CONTROLS
from lists.opt_outs.opt_out_words import has_quick_word

LONGEST_VALUE = 2_000  # characters
_MOST_KEPT = 10_000  # cells of a column
# A number that a spreadsheet was told to keep as text: '00123. Names such as 't Hart keep their apostrophe.
_TEXT_MARK = re.compile(r"'[\d .,/:+()-]+")
_NUMBERS = re.compile(r"(\d\d?)([./-])(\d\d?)\2(\d{4})(?:[ T,].*)?")
_WITH_MONTH = ("%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%B-%Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y")
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "rev", "revd",
    "reverend", "cllr", "herr", "frau",
})  # fmt: skip
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
# Languages in English, and as their own speakers call them.
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


def is_text_mark(cell: str) -> bool:
    """Report whether a cell is a number behind the apostrophe that spreadsheets mark a text with."""
    return _TEXT_MARK.fullmatch(cell) is not None


def read_date(cell: str) -> tuple[datetime | None, str]:
    """Return a date as 2026-05-31, 31/05/2026 or 31 May 2026, or None if it is none of these.

    Beside it, of numbers with the year last: "day first", "month first" (which is not read), or "either".
    """
    with suppress(ValueError, OverflowError):
        time = datetime.fromisoformat(cell)
        return time if time.tzinfo else time.replace(tzinfo=UTC), ""
    if found := _NUMBERS.fullmatch(cell):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        with suppress(ValueError):
            order = "day first" if first > 12 else "either" if first != second else ""
            return datetime(year, second, first, tzinfo=UTC), order
        return None, "month first" if first <= 12 < second else ""
    for form in _WITH_MONTH:
        with suppress(ValueError):
            return datetime.strptime(cell, form).replace(tzinfo=UTC), ""
    return None, ""


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name of "Ann Smith", "Dr Ann Smith" or "Smith, Ann"."""
    if name.count(",") == 1:
        last, first = (part.strip() for part in name.split(","))
        return first, last
    words = name.split()
    while len(words) > 1 and words[0].rstrip(".").casefold() in _TITLES:
        del words[0]
    return " ".join(words[:1]), " ".join(words[1:])


def language_code(cell: str) -> str | None:
    """Return the code of the first language in `cell`, such as "en-gb" or "Welsh"; "" if empty, None if unknown."""
    # A browser's header has others behind it, and a programme's locale an encoding: en-GB,en;q=0.9 and cy_GB.UTF-8.
    first = re.split(r"[,;/.(]", cell, maxsplit=1)[0].strip()
    if found := _CODES.get(first.casefold()) or _CODES.get(first.casefold().split(" ")[0]):
        return found
    return first.lower().replace("_", "-") if not first or _CODE.fullmatch(first) else None


class RowError(ValueError):
    """A row can't be used; the message is its reason in the file of refused rows, "kind: details"."""


class CellCache(dict[str, Any]):
    """The values of one column's cells, each read once; a cell that needs a closer look raises RowError."""

    def __init__(self, read: Callable[[str], object]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> object:
        """Read a printable cell that is not known yet."""
        if has_quick_word(cell):
            raise RowError("to be looked at")
        text = clean([cell])[0] if "'" in cell or '="' in cell else cell.strip()
        value = self._read("" if text in MISSING else text)
        if len(self) < _MOST_KEPT:
            self[cell] = value
        return value


def clean(cells: list[str]) -> list[str]:
    """Return the cells, each on one line, without spaces around it, controls or guard against formulas.

    Raises RowError.
    """
    together = " ".join(cells)
    if together.isprintable():
        cells = [cell.strip() for cell in cells]
    elif "\0" in together:
        raise RowError("cells: a NUL byte")
    else:
        cells = [" ".join(CONTROLS.sub(" ", cell).split()) for cell in cells]
    if len(together) > LONGEST_VALUE and max(map(len, cells)) > LONGEST_VALUE:
        raise RowError(f"cells: one is longer than {LONGEST_VALUE:,} characters")
    if "'" in together or '="' in together:
        cells = [cell[1:] if is_text_mark(cell) else unguard(cell) for cell in cells]
    return ["" if cell in MISSING else cell for cell in cells]


def printable(cell: str) -> str:
    """Return a cell on one line without controls, short enough to be shown."""
    return " ".join(CONTROLS.sub(" ", cell).split())[:200]
