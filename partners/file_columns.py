"""Columns of the coalition's own file of organisations: by the names that people give them, and contacts by number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.packs.partner import COLUMNS, heading

# Columns that packs don't know, and other names of columns.
OWN = ("region", "logo white", "logo square")
_NAMES = {
    "name": (
        "organisation", "organization", "organisation name", "organization name", "member organisation", "charity",
        "charity name", "group", "group name",
    ),
    "for": (
        "tool", "tools", "email tool", "mailing tool", "newsletter tool", "software", "email software",
        "newsletter software", "mailing software", "email platform", "newsletter platform",
    ),
    "language": ("languages",),
    "accent": ("colour", "color", "brand colour", "main colour"),
    "reply": ("reply to", "reply-to", "reply address"),
    "website": ("web site", "web", "url", "web address"),
    "address": ("postal address",),
    "charity number": ("charity no", "charity no.", "registered charity number", "registered number"),
    "region": ("area",),
}  # fmt: skip
_ALSO = {other: name for name, others in _NAMES.items() for other in others}
# "contact 2 email", "second contact's email" and "email 2" are numbered as people number them.
_CONTACT = re.compile(
    r"(?:(?P<first>\d{1,9}|second|third|main) )?(?:contact )?(?P<number>\d{1,9} )?"
    r"(?P<part>contact|contact person|e-?mail|e-?mail address|contact name|name|mail)(?: (?P<last>\d{1,9}))?"
)
_WORDS = {"main": 1, "second": 2, "third": 3}


class ContactColumn(NamedTuple):
    """A column of one contact: its number in the row, and what it holds (name, email or mail)."""

    number: int
    part: str


class FileColumns(NamedTuple):
    """The columns of a file: the field of each heading, contacts by heading, and the headings of notes."""

    fields: Mapping[str, str]
    contacts: Mapping[str, ContactColumn]
    notes: tuple[str, ...]


def file_columns(headings: Iterable[str], chosen: Mapping[str, str]) -> FileColumns:
    """Return what each heading holds; `chosen` says it for some. Raises InputError for a choice that is none."""
    head = [heading(each) for each in headings if each]
    known = (*COLUMNS, *OWN)
    fields: dict[str, str] = {}
    for column, field in chosen.items():
        if heading(column) not in head:
            raise InputError(f"There is no column {column!r}.", hint=nearest(column, head))
        if field not in known:
            raise InputError(f"There is no field {field!r}.", hint=nearest(field, known))
        fields[heading(column)] = field
    for each in head:
        if each in known and each not in fields and each not in fields.values():
            fields[each] = each
    # A file with the columns organisation, name and email is of people: the name is a contact's.
    other = next((each for each in head if _ALSO.get(each) == "name"), "")
    if other and "name" in fields and "name" not in chosen.values():
        del fields["name"]
        fields[other] = "name"
    for each in head:
        if each not in fields and each in _ALSO and _ALSO[each] not in fields.values():
            fields[each] = _ALSO[each]
    contacts = {each: found for each in head if each not in fields and (found := _contact(each))}
    return FileColumns(fields, contacts, tuple(each for each in head if each not in fields and each not in contacts))


def _contact(heading_: str) -> ContactColumn | None:
    found = _CONTACT.fullmatch(heading_.replace("'s ", " ").replace("’s ", " "))
    if not found:
        return None
    number = (found["first"] or found["number"] or found["last"] or "1").strip()
    part = found["part"]
    kind = "mail" if part == "mail" else "email" if "mail" in part else "name"
    return ContactColumn(_WORDS.get(number) or int(number), kind)
