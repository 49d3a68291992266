"""Import of organisations from the file that the coalition has: a row each, or several for several contacts.

A cell that is empty, or a column that is missing, leaves what is known; columns that nothing here uses are kept as
notes. A row that can't be used is refused with its line, and the others are imported.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from daisychain.csv_cells import unguard
from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from daisychain.sheets.sheet import Sheet
from lists.addresses import require_address
from newsletters.logo_files.logo_file import LARGEST_LOGO
from newsletters.packs.partner import COLUMNS, LARGEST_FILE, cell_text, heading
from newsletters.packs.partner_codes import name_key
from newsletters.toolkits.images import read_beside
from partners.contacts import add_contact, change_contact, contacts_of
from partners.file_columns import FileColumns, file_columns
from partners.organisation_logos import LOGO_FORMS, save_logo
from partners.profile_values import FIELDS, checked
from partners.profiles import PartnerProfile, add_organisation, profiles, save_profile
from partners.registry import Register, lock_register

# Partners who save their details wait while an import goes on, and are turned away after 10 s.
MOST_UPLOADED = 2_000
NO = ("no", "n", "false", "0")


@dataclass
class PartnerImport:
    """The result of an import: counts, the rows that were refused (line, name, reason), and what to know."""

    refused: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    note_columns: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, object]:
        """Return it for scripts."""
        names = "read", "added", "updated", "unchanged"
        refused = [{"line": line, "name": name, "why": why} for line, name, why in self.refused]
        return {name: self.counts[name] for name in names} | {
            "refused": len(refused), "refused_rows": refused, "notes": self.notes,
            "kept_as_notes": list(self.note_columns),
        }  # fmt: skip


def import_file(
    connection: Connection, path: Path, who: str, *, encoding: str | None = None, sheet: str | None = None,
    chosen: Mapping[str, str] | None = None, dry_run: bool = False, most: int | None = None,
) -> PartnerImport:  # fmt: skip
    """Import the organisations in a CSV or workbook; raises InputError if it can't be read, and then changes nothing.

    So it does for more than `most` rows. With `dry_run` all is tried, reported and undone.
    """
    with connection.begin_nested() as undo, open_sheet(path, encoding, sheet, largest=LARGEST_FILE) as opened:
        found = _imported(connection, opened, who, chosen or {}, most)
        if opened.note:
            found.notes.insert(0, opened.note)
        if dry_run:
            undo.rollback()
    return found


def import_bytes(
    connection: Connection, content: bytes, name: str, who: str, *, dry_run: bool = False
) -> PartnerImport:  # fmt: skip
    """Import a file that was uploaded; logos in it are files of its sender's and are left out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name).name or "file")
        path.write_bytes(content)
        return import_file(connection, path, who, dry_run=dry_run, most=MOST_UPLOADED)


def _imported(
    connection: Connection, sheet: Sheet, who: str, chosen: Mapping[str, str], most: int | None
) -> PartnerImport:
    wanted = {"name"} | {heading(column) for column, known in chosen.items() if known == "name"}
    sheet.find_header(lambda cells: bool(wanted & set(map(heading, cells))))
    columns = file_columns(sheet.header, chosen)
    if "name" not in columns.fields.values():
        raise InputError(
            "There is no column with the organisations' names.", file=sheet.path, line=sheet.header_line,
            hint=f"Name it 'name' or 'organisation'. Columns that are known: {', '.join(COLUMNS)}.",
        )  # fmt: skip
    found = PartnerImport(note_columns=columns.notes)
    rows = list(islice(sheet.rows(trim=False), most and most + 1))
    if most and len(rows) > most:
        raise InputError(
            f"The file has more than {most:,} rows.",
            hint="Cut it in pieces, or ask for an import by command.",
        )
    lock_register(connection)
    run = _ImportRun(connection, sheet, columns, who)
    for line, cells, problem in rows:
        values = {name: unguard(cell_text(cell)) for name, cell in zip(map(heading, sheet.header), cells, strict=False)}
        found.counts["read"] += 1
        name = next((values.get(each, "") for each, known in columns.fields.items() if known == "name"), "")
        try:
            if problem:
                raise InputError(f"{problem}.")
            with connection.begin_nested():
                found.counts[run.row(line, values, found.notes)] += 1
        except InputError as error:
            run.forget_claims()
            found.refused.append((line, name, error.in_one_line))
    return found


class _ImportRun:
    """One import under way: the organisations by name and code, and the lines on which each was."""

    def __init__(self, connection: Connection, sheet: Sheet, columns: FileColumns, who: str) -> None:
        self._connection, self._sheet, self._columns, self._who = connection, sheet, columns, who
        self._profiles: dict[str, PartnerProfile] = {}
        self._codes: dict[str, str] = {}
        self._lines: dict[int, int] = {}
        for profile in profiles(connection):
            self._know(profile)
        self._contacts = contacts_of(connection, [each.organisation.id for each in self._profiles.values()])
        self._register: Register | None = None
        self._claims = 0

    def _know(self, profile: PartnerProfile) -> None:
        self._profiles[name_key(profile.organisation.name)] = profile
        self._codes[profile.organisation.code] = name_key(profile.organisation.name)

    def forget_claims(self) -> None:
        """Read the register again if the row that was undone had claimed a code."""
        if self._register and len(self._register.codes) != self._claims:
            self._register = None

    def row(self, line: int, values: Mapping[str, str], notes: list[str]) -> str:
        """Import one row; return added, updated or unchanged."""
        given = {known: values[name] for name, known in self._columns.fields.items() if values.get(name)}
        fields = {name: given[column] for name, column in FIELDS.items() if given.get(column)}
        fields = checked({"name": "", **fields})
        own = {name: values[name] for name in self._columns.notes if values.get(name)}
        profile = self._known(given, fields["name"])
        state = "unchanged" if profile else "added"
        if profile is None:
            self._register = self._register or Register(self._connection)
            saved = profile = add_organisation(
                self._connection, fields, self._who, code=given.get("code", ""), notes=own, register=self._register
            )
        else:
            if (first := self._lines.get(profile.organisation.id)) is not None:
                _require_same(profile, fields, own, first)
            saved = save_profile(self._connection, profile.organisation.id, fields, self._who, notes=own)
        changed = saved.version != profile.version
        for form, (name, _) in LOGO_FORMS.items():
            if file := given.get(name):
                changed |= self._logo(saved, form, file, line, notes)
        changed |= self._add_contacts(saved.organisation.id, values)
        self._lines.setdefault(saved.organisation.id, line)
        self._know(saved)
        self._claims = len(self._register.codes) if self._register else 0
        return "updated" if changed and state == "unchanged" else state

    def _known(self, given: Mapping[str, str], name: str) -> PartnerProfile | None:
        """Return the organisation that a row is of; raises InputError for a code that is another one's."""
        code, former = given.get("code", ""), given.get("formerly", "")
        found = self._profiles.get(name_key(name)) or self._profiles.get(name_key(former))
        owner = self._profiles.get(self._codes.get(code, ""))
        if owner and owner != found:
            raise InputError(
                f"The code {code!r} belongs to {owner.organisation.name}.",
                hint="If this is the same organisation under a new name, write its former one in a column 'formerly'.",
            )
        if found and code and not owner:
            raise InputError(f"{found.organisation.name} has the code {found.organisation.code}, and keeps it.")
        return found

    def _logo(self, profile: PartnerProfile, form: str, file: str, line: int, notes: list[str]) -> bool:
        path = self._sheet.path
        content = read_beside(path.parent, file, LARGEST_LOGO, file=path, line=line)
        before = profile.logos[form]
        hash_, about = save_logo(self._connection, profile.organisation, form, content, self._who)
        notes += [f"Line {line}: {note}" for note in about]
        return before != hash_

    def _add_contacts(self, organisation_id: int, values: Mapping[str, str]) -> bool:
        given: dict[int, dict[str, str]] = {}
        for name, column in self._columns.contacts.items():
            if values.get(name):
                given.setdefault(column.number, {})[column.part] = values[name]
        changed = False
        for number in sorted(given):
            contact = given[number]
            if "@" in contact.get("name", "") and "email" not in contact:  # a column 'contact' may hold either
                contact["email"] = contact.pop("name")
            if "email" in contact:
                changed |= self._contact(organisation_id, contact)
        return changed

    def _contact(self, organisation_id: int, given: Mapping[str, str]) -> bool:
        address, name = require_address(given["email"]), " ".join(given.get("name", "").split())
        there = self._contacts.get(organisation_id, [])
        known = next((each for each in there if each.email.lower() == address.key), None)
        receives = given["mail"].casefold() not in NO if "mail" in given else known is None or known.receives
        if known and not known.suggested and name in ("", known.name) and known.receives == receives:
            return False
        add_contact(self._connection, organisation_id, given["email"], name, receives=receives)
        if known and known.receives != receives:
            change_contact(self._connection, organisation_id, known.id, "receive" if receives else "stop")
        self._contacts |= contacts_of(self._connection, [organisation_id])
        return True


def _require_same(profile: PartnerProfile, fields: Mapping[str, str], notes: Mapping[str, str], first: int) -> None:
    """Raise InputError if a further row of an organisation, for another contact, says something else about it."""
    known = {**profile.values, **profile.notes}
    names = {field: column for field, column in FIELDS.items() if field != "name"}
    other = [
        names.get(each, each)
        for each, text in {**fields, **notes}.items()
        if each != "name" and text != known.get(each)
    ]
    if other:
        raise InputError(f"{profile.organisation.name} is on line {first} already, with another {' and '.join(other)}.")
