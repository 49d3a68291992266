"""Columns: which heading of a sheet fills which field of a member."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daisychain.errors import InputError
from daisychain.slug import slug
from lists.opt_outs.opt_out_columns import MEANINGS, OptOutColumn, opt_out_column
from lists.opt_outs.opt_out_words import ELSEWHERE, heading_meaning
from lists.tables import FIELD

# Headings that need no --map, as slugs, in the common languages of Europe. Only words that can't mean anything else:
# "address" may be a street, and a French "nom" a whole name.
SYNONYMS: Mapping[str, frozenset[str]] = {
    "email": frozenset({
        "email", "e_mail", "mail", "email_address", "e_mail_address", "emailaddress", "email_1",
        "primary_email", "your_email", "contact_email", "member_email", "subscriber_email",
        "e_mail_adresse", "email_adresse", "mailadresse", "e_mailadres", "emailadres", "mailadres", "courriel",
        "adresse_e_mail", "adresse_email", "adresse_mail", "adresse_electronique", "correo_electronico",
        "indirizzo_email", "indirizzo_e_mail", "endereco_de_email", "adres_e_mail", "adres_email", "e_post", "epost",
        "sahkoposti", "ebost", "e_bost", "cyfeiriad_ebost",
    }),
    "first_name": frozenset({
        "first_name", "firstname", "first", "forename", "given_name", "givenname", "christian_name", "vorname",
        "rufname", "voornaam", "roepnaam", "prenom", "prenoms", "primer_nombre", "nombre_de_pila", "primeiro_nome",
        "fornavn", "fornamn", "etunimi", "imie", "krestni_jmeno", "krstne_meno", "prenume", "keresztnev", "utonev",
        "enw_cyntaf",
    }),
    "last_name": frozenset({
        "last_name", "lastname", "last", "surname", "family_name", "familyname", "nachname", "familienname", "zuname",
        "achternaam", "familienaam", "nom_de_famille", "apellido", "apellidos", "cognome", "sobrenome", "apelido",
        "efternavn", "etternavn", "efternamn", "sukunimi", "nazwisko", "prijmeni", "priezvisko", "nume_de_familie",
        "vezeteknev", "csaladnev", "cyfenw", "enw_olaf", "prezime", "priimek", "cognoms",
    }),
    "language": frozenset({
        "language", "lang", "locale", "preferred_language", "language_code", "sprache", "taal", "langue", "idioma",
        "lingua", "sprog", "sprak", "kieli", "jezyk", "jazyk", "limba", "iaith",
    }),
    "consented_at": frozenset({
        "consented_at", "consented_on", "consent_date", "date_of_consent", "list_consented_at", "optin_time",
        "opt_in_time", "opt_in_date", "optin_date", "opted_in_at", "opted_in_date",
    }),
    "collected_by": frozenset({"collected_by", "list_collected_by"}),
    "list_state": frozenset({"list_state"}),
}  # fmt: skip
# What our own files say about a row, rather than about the member.
OURS = frozenset({
    "refused_line", "refused_reason", "list_basis", "list_source", "list_joined_at", "list_left_at",
})  # fmt: skip
# First and last names of which one word alone may mean a whole name.
HALVES = ("first_name", "last_name")
PAIRS = (
    ("vorname", "name"), ("voornaam", "naam"), ("prenom", "nom"), ("prenume", "nume"), ("nom", "cognoms"),
    ("nombre", "apellido"), ("nombre", "apellidos"), ("nome", "cognome"), ("nome", "sobrenome"), ("nome", "apelido"),
    ("jmeno", "prijmeni"), ("meno", "priezvisko"), ("ime", "prezime"), ("ime", "priimek"),
)  # fmt: skip
# One column that holds a whole name, which is cut in two if no other column holds a first or last name.
FULL_NAME = frozenset({"name", "full_name", "fullname", "your_name", "contact_name", "display_name", "member_name"})
_UNNAMED = re.compile(r"column (\d{1,9})")  # without a heading
_NUMBERED = re.compile(r"(.*)#(\d{1,9})")

FieldsAmong = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True)
class Columns:
    """The place of each field in a row, counted from 0; `headings` is field → heading, for people."""

    known: Mapping[str, int]
    custom: Mapping[str, int]
    headings: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    opt_outs: tuple[OptOutColumn, ...] = ()
    # Place → heading of columns about something else, in which a cell may yet say that somebody must not be mailed.
    watched: Mapping[int, str] = field(default_factory=dict)
    full_name: int | None = None

    @property
    def email(self) -> int:
        return self.known["email"]


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Return heading → field, from "field=Heading" as typed at --map; no field leaves it out. Raises InputError.

    "Heading=opt-out" and the other MEANINGS give heading → ":opt-out".
    """
    mapping: dict[str, str] = {}
    for text in texts:
        left, _, meaning = (part.strip() for part in text.rpartition("="))
        if left and meaning in MEANINGS and left not in SYNONYMS:
            name, heading = f":{meaning}", left
        else:
            name, _, heading = (part.strip() for part in text.partition("="))
            if not heading:
                raise InputError(f"--map {text!r} can't be read.", hint='Write it as --map "first_name=Given name".')
            if name and not FIELD.fullmatch(name):
                raise InputError(
                    f"--map {text!r}: a field can't be named {name!r}.",
                    hint=f"Small letters, digits and _, such as {slug(name, '_') or 'region'}.",
                )
        if heading in mapping or (name and name[0] != ":" and name in mapping.values()):
            raise InputError(f"--map {text!r}: that field or heading was mapped already.")
        mapping[heading] = name
    return mapping


def field_names(header: Sequence[str], fields_among: FieldsAmong) -> dict[str, str]:
    """Return the name of the field that each heading fills: one that people have already, or a new one."""
    names = {heading: (slug(heading, "_", as_before=True), slug(heading, "_")) for heading in header}
    had = fields_among({before for before, now in names.values() if before != now})
    return {heading: before if before in had else now for heading, (before, now) in names.items()}


def read_columns(
    header: Sequence[str], mapping: Mapping[str, str], path: Path, line: int = 1, sample: Sequence[Sequence[str]] = (),
    fields_among: FieldsAmong = lambda names: (),
) -> Columns:  # fmt: skip
    """Return the columns of a sheet with this header; raises InputError that lists the headings.

    `sample` holds some rows, in which the column of the addresses is looked for if its heading is not known;
    `fields_among` says which of some names are fields that people have already.
    """
    mapped = _places(header, mapping, path, line)
    known = {name: place for place, name in mapped.items() if name in SYNONYMS}
    custom = {name: place for place, name in mapped.items() if name and name[0] != ":" and name not in SYNONYMS}
    left_out = [header[place] for place, name in mapped.items() if name in {"", ":ignore"}]
    opt_outs = [
        column
        for place, name in mapped.items()
        if name[:1] == ":" and name != ":ignore" and (column := opt_out_column(place, header[place], name[1:]))
    ]
    full_name, fields, names = None, field_names(header, fields_among), {slug(heading, "_") for heading in header}
    halves = {word: half for pair in PAIRS if names >= {*pair} for word, half in zip(pair, HALVES, strict=True)
              if not names & SYNONYMS[half]}  # fmt: skip
    for place, heading in enumerate(header):
        if place in mapped:
            continue
        name = slug(heading, "_")
        guess = halves.get(name) or next((known_as for known_as, words in SYNONYMS.items() if name in words), None)
        if guess and guess not in mapped.values():
            if guess not in known:
                known[guess] = place
            elif header[known[guess]].casefold() == heading.casefold():
                left_out.append(f"{heading}#{header[: place + 1].count(heading)}")
            elif guess != "consented_at":
                raise InputError(
                    f"Both {header[known[guess]]!r} and {heading!r} could be the {guess}.", file=path, line=line,
                    hint=f'Say which: --map "{guess}={heading}"',
                )  # fmt: skip
            else:
                custom[_free(name, place, custom)] = place
        elif not heading or name in OURS:
            left_out.append(heading or f"column {place + 1} (no heading)")
        else:
            full_name = place if full_name is None and name in FULL_NAME else full_name
            if column := opt_out_column(place, heading):
                opt_outs.append(column)
            if not column or column.is_field_too(row[place] for row in sample):
                custom[_free(fields[heading], place, custom)] = place
    if "email" not in known:
        raise _no_address(header, path, line, sample)
    if "list_state" in known:
        opt_outs.append(_list_state(known["list_state"], header[known["list_state"]]))
    headings = {name: header[place] for name, place in {**known, **custom}.items()}
    spoken_for = {*mapped, known["email"], *(column.place for column in opt_outs)}
    watched = {
        place: heading or f"column {place + 1}"
        for place, heading in enumerate(header)
        if place not in spoken_for and slug(heading, "_") not in OURS and heading_meaning(heading)[0] != ELSEWHERE
    }
    if {"first_name", "last_name"} & known.keys():
        full_name = None
    return Columns(known, custom, headings, tuple(left_out), tuple(opt_outs), watched, full_name)


def has_address_heading(cells: Sequence[str], mapping: Mapping[str, str]) -> bool:
    """Report whether a row of a sheet looks like its headings: one of them holds the address."""
    mapped = {heading.casefold() for heading, name in mapping.items() if name == "email"}
    return any(slug(cell, "_") in SYNONYMS["email"] or cell.strip().casefold() in mapped for cell in cells)


def _list_state(place: int, heading: str) -> OptOutColumn:
    """Return the column that --map named as list_state: as its heading says, or else a status."""
    guessed = opt_out_column(place, heading)
    meaning = guessed.meaning if guessed and guessed.meaning in MEANINGS else "status"
    column = opt_out_column(place, heading, meaning)
    assert column is not None
    return column


def _places(header: Sequence[str], mapping: Mapping[str, str], path: Path, line: int) -> dict[int, str]:
    """Return place → field for the headings in `mapping`, matched exactly, or else without regard to case.

    "Email#2" is the second column with the heading "Email".
    """
    places = {}
    for heading, name in mapping.items():
        found = _found(header, heading)
        if not found and name[:1] == ":" and FIELD.fullmatch(heading) and _found(header, name[1:]):
            heading, name = name[1:], heading  # "region=status" fills a field from the heading "status"
            found = _found(header, heading)
        if not found and (numbered := _NUMBERED.fullmatch(heading)):
            found = _found(header, numbered[1])[int(numbered[2]) - 1 :][:1]
        if not found and (unnamed := _UNNAMED.fullmatch(heading)):
            found = [place for place, cell in enumerate(header) if not cell and place + 1 == int(unnamed[1])]
        if len(found) != 1:
            problem, hint = "no column has", _listed(header)
            if found:
                problem, hint = "more than one column has", f'Say which: --map "{name}={heading}#2" is the second.'
            raise InputError(f"--map: {problem} the heading {heading!r}.", file=path, line=line, hint=hint)
        places[found[0]] = name
    return places


def _found(header: Sequence[str], heading: str) -> list[int]:
    return [place for place, cell in enumerate(header) if cell == heading] or [
        place for place, cell in enumerate(header) if cell.casefold() == heading.casefold()
    ]


def _free(name: str, place: int, taken: Collection[str]) -> str:
    """Return a field name that a newsletter can write and that no other column has."""
    name = name[:50] or f"column_{place + 1}"
    if name[0].isdigit():
        name = f"field_{name}"
    free, number = name, 2
    while free in taken or free in SYNONYMS:
        free, number = f"{name}_{number}", number + 1
    return free


def _no_address(header: Sequence[str], path: Path, line: int, sample: Sequence[Sequence[str]]) -> InputError:
    guess = next((name for place, name in enumerate(header) if any("@" in row[place] for row in sample)), "HEADING")
    hint = f'{_listed(header)}\n  Say which holds the address: --map "email={guess}"'
    if any("@" in cell for cell in header):
        hint = "The first line looks like a member; it must hold the headings, such as: email,first_name"
    return InputError("No column holds the email address.", file=path, line=line, hint=hint)


def _listed(header: Sequence[str]) -> str:
    return f"Headings: {', '.join(cell or '(none)' for cell in header)}"
