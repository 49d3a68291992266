"""Dates whose day of the week does not fit, "Tuesday 12 May", and dates that no calendar has, "31 June"."""

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
_MONTH = "sept|" + "|".join(f"{month[:3]}(?:{month[3:]})?" if len(month) > 3 else month for month in _MONTHS)
_ON = (
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})"
    rf"|(?P<month2>{_MONTH})\s+(?:the\s+)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)\b\.?(?:,?\s+(?P<year>20\d\d)\b)?"
)
_DATED = re.compile(rf"\b{_DAY}(?:the\s+)?{_ON}", re.IGNORECASE)
_NAMED = re.compile(rf"(?<![\w£$€.,:-]){_ON}(?![\w%])", re.IGNORECASE)
_NUMBERS = re.compile(
    r"(?<![\w/.-])(\d{1,2})([/.-])(\d{1,2})\2(20\d\d|\d\d)(?![\w/-])|(?<![\w/-])(20\d\d)-(\d\d)-(\d\d)(?![\w-])"
)
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month
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


def impossible(text: str, today: date) -> Iterator[str]:
    """Yield the dates in `text`, as written, that no calendar has; a missing year may be this one or the next."""
    for match in _NAMED.finditer(text):
        month, number = _month_of(match), int(match["day"] or match["day2"])
        too_large = number == 0 or _LONGEST[month - 1] < number < 40
        if (too_large and not _is_year(match, number)) or ((month, number) == (2, 29) and not _dated(match, today)):
            yield match[0]
    for match in _NUMBERS.finditer(text):
        if match[5]:
            readings = [(int(match[6]), int(match[7]))]
        elif match[2] == "/" or match[2] == "-" or len(match[4]) == 4:
            readings = [(int(match[3]), int(match[1])), (int(match[1]), int(match[3]))]
        else:  # 1.2.34 may be a version
            continue
        year = int(match[5] or match[4]) % 100 + 2000
        if not any(_is_day(year, month, number) for month, number in readings):
            yield match[0]


def _is_year(match: re.Match[str], number: int) -> bool:
    """Return whether "May 32" may be a month of the year '32."""
    return bool(match["day2"]) and number > 31 and not match["year"]


def _is_day(year: int, month: int, number: int) -> bool:
    try:
        return bool(date(year, month, number))
    except ValueError:
        return False


def _month_of(match: re.Match[str]) -> int:
    name = (match["month"] or match["month2"]).lower()[:3]
    return next(number for number, known in enumerate(_MONTHS, start=1) if known.startswith(name))


def _dated(match: re.Match[str], today: date) -> date | None:
    month = _month_of(match)
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
