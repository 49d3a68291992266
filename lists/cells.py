"""Cells as spreadsheets and other tools write them: missing values, dates, and names in one piece."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

# A number that a spreadsheet was told to keep as text: '00123. Names such as 't Hart keep their apostrophe.
_TEXT_MARK = re.compile(r"'[\d .,/:+()-]+")
_NUMBERS = re.compile(r"(\d\d?)([./-])(\d\d?)\2(\d{4})(?:[ T,].*)?")
_WITH_MONTH = ("%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%B-%Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y")
_TITLES = frozenset({
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "rev", "revd",
    "reverend", "cllr", "herr", "frau",
})  # fmt: skip


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
