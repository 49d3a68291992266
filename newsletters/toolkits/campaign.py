"""A campaign's dates, language and contact, as its toolkit.yml says them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from newsletters.documents.language_names import LANGUAGE
from newsletters.documents.yaml_with_lines import YamlMapping, is_link


@dataclass(frozen=True)
class Dates:
    """The first and the last day on which a campaign is best shared; either may be missing."""

    first: date | None = None
    last: date | None = None

    def __bool__(self) -> bool:
        return bool(self.first or self.last)

    def shown(self, today: date) -> str:
        """Return a phrase such as "Best between 4 and 10 May"; empty if there is nothing to say."""
        first, last = self.first, self.last
        if last and last < today:
            return f"It ended on {_day(last, today)}"
        if first and last and first != last:
            same_month = (first.year, first.month) == (last.year, last.month)
            begin = str(first.day) if same_month else _day(first, today, beside=last)
            return f"Best between {begin} and {_day(last, today)}"
        if first == last and first:
            return f"Best on {_day(first, today)}"
        if last:
            return f"Best until {_day(last, today)}"
        return f"Best from {_day(first, today)}" if first and first > today else ""


UNDATED = Dates()
# Characters beside a title, a picture and three doors, on a phone of 375 by 667 pixels.
_ROOM = 340
_SENTENCE_END = re.compile(r"[.!?…](?:[’”\"')])?\s+|[。！？۔।]\s*")


def read_dates(sheet: YamlMapping) -> Dates:
    """Return the dates that a toolkit gives itself; raises InputError with file and line."""
    given = sheet.sheet("dates")
    if given is None:
        return UNDATED
    given.allow(("from", "until"), "'dates'")
    first, last = given.day("from"), given.day("until")
    if first and last and last < first:
        given.fail(f"The campaign ends on {last}, before it begins on {first}.", "until")
    return Dates(first, last)


def read_contact(sheet: YamlMapping) -> str:
    """Return the contact for questions, an email address or a page; raises InputError with file and line."""
    from email_validator import EmailNotValidError, validate_email

    contact = sheet.text("contact", "")
    if not contact or is_link(contact):
        return contact
    try:
        return validate_email(contact, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        sheet.fail(
            f"{contact!r} is neither an email address nor a web address.", "contact",
            hint="Write where member organisations may ask: hello@coalition.example, or https://… for a page.",
        )  # fmt: skip


def read_language(sheet: YamlMapping) -> str:
    """Return the code of the language that the copy is in, unless a block's id says another; raises InputError."""
    language = sheet.text("language", "en")
    if not LANGUAGE.fullmatch(language):
        sheet.fail(f"{language!r} is no language.", "language", hint="Write a code such as en, cy, ar or en-GB.")
    return language


def lead_of(summary: str) -> tuple[str, str]:
    """Return as many whole sentences of a summary as the first screen of a phone has room for, and the others."""
    if len(summary) <= _ROOM:
        return summary, ""
    ends = [end.end() for end in _SENTENCE_END.finditer(summary) if end.end() <= _ROOM]
    return (summary[: ends[-1]].rstrip(), summary[ends[-1] :]) if ends else (summary, "")


def _day(day: date, today: date, *, beside: date | None = None) -> str:
    """Return a day without its year if that is this one, or that of the day `beside`."""
    year = "" if day.year == (beside or today).year else f" {day.year}"
    return f"{day.day} {day:%B}{year}"
