"""Dates in English text whose day of the week does not fit: "Tuesday 12 May", with the year or without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAY = r"(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+"
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if len(month) > 3 else month for month in _MONTHS)
_DATED = re.compile(
    rf"\b{_DAY}(?:the\s+)?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})"
    rf"|(?P<month2>{_MONTH})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)\b\.?(?:,?\s+(?P<year>20\d\d)\b)?",
    re.IGNORECASE,
)
# A date without a year is at most this long ago, or else to come.
_BACK = timedelta(days=60)


@dataclass(frozen=True)
class Mismatch:
    """`words` as written; `day` is the date that they give, `nearest` the next of their weekday to it."""

    words: str
    day: date
    nearest: date
    year_given: bool


def mismatched(text: str, today: date) -> Iterator[Mismatch]:
    """Yield the dates in `text` that fall on another day of the week; a missing year is guessed from `today`."""
    seen: set[str] = set()
    for match in _DATED.finditer(text):
        words = " ".join(match[0].split())
        day = _dated(match, today)
        weekday = next(number for number, name in enumerate(_DAYS) if name.startswith(match["weekday"].lower()[:3]))
        if day is None or day.weekday() == weekday or words in seen:
            continue
        seen.add(words)
        apart = (weekday - day.weekday() + 3) % 7 - 3
        yield Mismatch(match[0], day, day + timedelta(days=apart), year_given=bool(match["year"]))


def _dated(match: re.Match[str], today: date) -> date | None:
    name = (match["month"] or match["month2"]).lower()[:3]
    month = next(number for number, known in enumerate(_MONTHS, start=1) if known.startswith(name))
    number = int(match["day"] or match["day2"])
    years = [int(match["year"])] if match["year"] else range(today.year - 1, today.year + 2)
    for year in years:
        try:
            day = date(year, month, number)
        except ValueError:  # 30 February, or 29 in most years
            continue
        if match["year"] or day >= today - _BACK:
            return day
    return None
