"""Columns: which heading of a sheet fills which field of a member."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daisychain.errors import InputError
from daisychain.slug import slug

# Headings that need no --map, as slugs. Only words that can't mean anything else: "address" may be a street.
SYNONYMS: Mapping[str, frozenset[str]] = {
    "email": frozenset({
        "email", "e_mail", "mail", "email_address", "e_mail_address", "emailaddress", "email_1",
        "primary_email", "your_email", "contact_email", "member_email", "subscriber_email",
    }),
    "first_name": frozenset({
        "first_name", "firstname", "first", "forename", "given_name", "givenname", "christian_name",
    }),
    "last_name": frozenset({"last_name", "lastname", "last", "surname", "family_name", "familyname"}),
    "language": frozenset({"language", "lang", "locale", "preferred_language", "language_code"}),
    "consented_at": frozenset({"consented_at", "consented_on", "consent_date", "list_consented_at"}),
    "list_state": frozenset({"list_state"}),
}  # fmt: skip
# What our own files say about a row, rather than about the member.
OURS = frozenset({
    "refused_line", "refused_reason", "list_basis", "list_source", "list_joined_at", "list_left_at",
})  # fmt: skip
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True)
class Columns:
    """The place of each field in a row, counted from 0; `headings` is field → heading, for people."""

    known: Mapping[str, int]
    custom: Mapping[str, int]
    headings: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    @property
    def email(self) -> int:
        return self.known["email"]


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Return heading → field, from "field=Heading" as typed at --map; no field leaves it out. Raises InputError."""
    mapping: dict[str, str] = {}
    for text in texts:
        name, equals, heading = (part.strip() for part in text.partition("="))
        if not equals or not heading:
            raise InputError(f"--map {text!r} can't be read.", hint='Write it as --map "first_name=Given name".')
        if name and not _FIELD.fullmatch(name):
            raise InputError(
                f"--map {text!r}: a field can't be named {name!r}.",
                hint=f"Small letters, digits and _, such as {slug(name, '_') or 'region'}.",
            )
        if heading in mapping or (name and name in mapping.values()):
            raise InputError(f"--map {text!r}: that field or heading was mapped already.")
        mapping[heading] = name
    return mapping


def read_columns(header: Sequence[str], mapping: Mapping[str, str], path: Path) -> Columns:
    """Return the columns of a sheet with this header; raises InputError that lists the headings."""
    mapped = _places(header, mapping, path)
    known = {name: place for place, name in mapped.items() if name in SYNONYMS}
    custom = {name: place for place, name in mapped.items() if name and name not in SYNONYMS}
    left_out = [header[place] for place, name in mapped.items() if not name]
    for place, heading in enumerate(header):
        if place in mapped:
            continue
        name = slug(heading, "_")
        guess = next((field for field, words in SYNONYMS.items() if name in words), None)
        if guess and guess not in mapped.values():
            if guess in known:
                raise InputError(
                    f"Both {header[known[guess]]!r} and {heading!r} could be the {guess}.", file=path, line=1,
                    hint=f'Say which: --map "{guess}={heading}"',
                )  # fmt: skip
            known[guess] = place
        elif not heading or name in OURS:
            left_out.append(heading or f"column {place + 1} (no heading)")
        else:
            custom[_free(name, place, custom)] = place
    if "email" not in known:
        raise _no_address(header, path)
    headings = {name: header[place] for name, place in {**known, **custom}.items()}
    return Columns(known, custom, headings, tuple(left_out))


def _places(header: Sequence[str], mapping: Mapping[str, str], path: Path) -> dict[int, str]:
    """Return place → field for the headings in `mapping`, matched exactly, or else without regard to case."""
    places = {}
    for heading, name in mapping.items():
        found = [place for place, cell in enumerate(header) if cell == heading] or [
            place for place, cell in enumerate(header) if cell.casefold() == heading.casefold()
        ]
        if len(found) != 1:
            problem = "no column has" if not found else "more than one column has"
            raise InputError(f"--map: {problem} the heading {heading!r}.", file=path, line=1, hint=_listed(header))
        places[found[0]] = name
    return places


def _free(name: str, place: int, taken: Collection[str]) -> str:
    """Return a field name that a newsletter can write and that no other column has."""
    name = name[:50] or f"column_{place + 1}"
    if name[0].isdigit():
        name = f"field_{name}"
    free, number = name, 2
    while free in taken or free in SYNONYMS:
        free, number = f"{name}_{number}", number + 1
    return free


def _no_address(header: Sequence[str], path: Path) -> InputError:
    hint = f'{_listed(header)}\n  Say which holds the address: --map "email=HEADING"'
    if any("@" in cell for cell in header):
        hint = "The first line looks like a member; it must hold the headings, such as: email,first_name"
    return InputError("No column holds the email address.", file=path, line=1, hint=hint)


def _listed(header: Sequence[str]) -> str:
    return f"Headings: {', '.join(cell or '(none)' for cell in header)}"
