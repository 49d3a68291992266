"""Values of a profile, checked and brought into one form, whether they come from a form or a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from daisychain.errors import InputError
from lists.cells import language_code
from newsletters.packs.dialects.dialect import ALL, dialects, each_dialect
from newsletters.packs.partner import Fail, partner_of

# The fields, and the columns of the coalition's file that hold them.
FIELDS = {
    "name": "name", "tool": "for", "languages": "language", "region": "region", "website": "website",
    "reply": "reply", "address": "address", "charity_number": "charity number", "intro": "intro", "colour": "accent",
}  # fmt: skip
SEVERAL_LINES = ("address", "intro")
_OF_PARTNER = {"colour": "accent"}  # attributes of newsletters.packs.partner.Partner, if they have another name
_LONGEST = {"intro": 2_000, "address": 500}  # characters
_LONGEST_LINE = 200


class ProfileError(InputError):
    """Fields of a profile can't be used: `problems` has a sentence for each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


def checked(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as they are kept; raises ProfileError with all that is wrong."""
    clean, problems = {}, {}
    for field, text in values.items():
        try:
            clean[field] = _checked(field, _plain(text), values.get("name", ""))
        except InputError as error:
            problems[field] = error.in_one_line
    if problems:
        raise ProfileError(problems)
    return clean


def _plain(text: str) -> str:
    """Return `text` without signs that nobody sees, and with line feeds only, as browsers send others."""
    lines = (line.rstrip() for line in text.strip().splitlines())
    return "".join(sign for sign in "\n".join(lines) if sign == "\n" or unicodedata.category(sign) != "Cc")


def _checked(field: str, text: str, name: str) -> str:
    if len(text) > (most := _LONGEST.get(field, _LONGEST_LINE)):
        raise InputError(f"This is too long: {len(text):,} characters, and {most:,} are allowed.")
    if "\n" in text and field not in SEVERAL_LINES:
        raise InputError("This must be one line.")
    if field == "region":
        return " ".join(text.split())
    if field == "tool":
        return ", ".join(dict.fromkeys(map(_tool, filter(None, map(str.strip, text.split(","))))))
    if field == "languages":
        return ", ".join(dict.fromkeys(map(_language, filter(None, map(str.strip, text.split(","))))))
    row = {"name": name.strip() or "?"} | {FIELDS[field]: text}
    found: str = getattr(partner_of(row, Path(), Fail(Path(), lambda key: 0)), _OF_PARTNER.get(field, field))
    return found


def _tool(word: str) -> str:
    by_name = {_letters(each.name): key for key, each in dialects().items()}
    if word.casefold() == ALL:
        raise InputError(f"There is no tool {word!r}.", hint=f"Name them: {', '.join(dialects())}.")
    [found] = each_dialect(by_name.get(_letters(word), word))
    if isinstance(found, InputError):
        raise found
    return found.key


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))  # Mail Chimp, Constant-Contact


def _language(word: str) -> str:
    code = language_code(word)
    if not code:
        raise InputError(f"There is no language {word!r}.", hint="Write a code or an English name: cy, Welsh.")
    return code
