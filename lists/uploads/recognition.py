"""Recognition: how a file is understood before anybody has said anything, and what must be asked about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from daisychain.sheets.sheet import Sheet
from daisychain.slug import slug
from lists.cells import RowError, printable
from lists.columns import SYNONYMS, Columns, FieldsAmong, field_names, has_address_heading, read_columns
from lists.import_rows import RowReading
from lists.imports import Watch, fields_among
from lists.opt_outs.opt_out_columns import MEANINGS, OptOutColumn, answers, shown_values
from lists.tables import FIELD

# What a column becomes that is neither a field nor left out: it says who must not be mailed, or is cut in two names.
SAYS, NAMES, ASKED = ":says", ":names", ":asked"
_ROWS_A_REPORT = 20_000
_SAMPLE, _SHOWN, _LONGEST_SHOWN = 20, 3, 40


def recognise(connection: Connection, path: Path, sheet_name: str, watch: Watch) -> dict[str, Any]:
    """Return what a file is and what each of its columns becomes, as JSON can keep it; raises InputError."""
    with open_sheet(path, None, sheet_name or None) as sheet:
        sheet.find_header(lambda cells: has_address_heading(cells, {}))
        sample = [cells for _, cells, problem in islice(sheet.rows(), _SAMPLE) if not problem]
        columns, problem, known = None, "", partial(fields_among, connection)
        try:
            columns = read_columns(sheet.header, {}, path, sheet.header_line, sample, known)
        except InputError as error:
            problem = error.message
        reading, rows = RowReading(columns) if columns else None, 0
        for rows, row in enumerate(sheet.rows(), 1):
            if rows % _ROWS_A_REPORT == 0:
                watch("Reading", sheet.position)
            if reading:
                try:
                    reading.read(row)
                except RowError:
                    for _ in reading.refused(row, ""):
                        pass
        found = [_column(sheet.header, place, sample) for place in range(len(sheet.header))]
        for place, becomes in _becomes(sheet.header, columns, known).items():
            found[place]["becomes"] = becomes
        for column in reading.questions if reading else ():
            if column.asks:
                found[column.place] |= question(column)
        return {
            "rows": rows, "columns": found, "problem": problem, "encoding": sheet.encoding, "sheets": sheet.sheets,
            "separator": _separator(sheet), "header_line": sheet.header_line,
        }  # fmt: skip


def question(column: OptOutColumn) -> dict[str, Any]:
    """Return what must be asked about a column."""
    return {"becomes": ASKED, "values": shown_values(column).replace("\0", ""), "answers": answers(column)}


def key_of(header: Sequence[str], place: int) -> str:
    """Return how a mapping names a column: by its heading, with its number if it has none or shares it."""
    heading = header[place]
    if not heading:
        return f"column {place + 1}"
    same = header[: place + 1].count(heading)
    return f"{heading}#{same}" if header.count(heading) > 1 else heading


def read_mapping(found: Mapping[str, Any], becomes: Mapping[str, str]) -> dict[str, str]:
    """Return the mapping of the columns that somebody decided otherwise than was recognised; raises InputError.

    `becomes` has the choice for each column's number; one that must be asked about needs an answer.
    """
    mapping, taken = {}, Counter[str]()
    for place, column in enumerate(found["columns"]):
        chosen = becomes.get(str(place), column["becomes"])
        if chosen == ASKED:
            raise InputError(f"Say what the column “{column['heading']}” means.", hint="Nobody is mailed by guessing.")
        if chosen[:1] == ":" and chosen != column["becomes"] and chosen[1:] not in MEANINGS:
            raise InputError(f"Choose what the column “{column['heading']}” becomes.")
        if chosen[:1] not in {"", ":"} and not FIELD.fullmatch(chosen):
            better = slug(chosen, "_") or "region"
            raise InputError(f"A field can't be named “{chosen}”: small letters, digits and _.", hint=f"Try {better}.")
        taken[chosen] += chosen[:1] not in {"", ":"}
        if taken[chosen] > 1:
            raise InputError(
                f"Two columns can't both be the {chosen.replace('_', ' ')}.", hint="Leave one of them out."
            )
        if chosen != column["becomes"]:
            mapping[column["key"]] = chosen
    if not taken["email"]:
        raise InputError("No column holds the email address.", hint="Choose “Address” for the column that does.")
    if found["problem"]:
        # What could not be recognised as a whole is decided column by column.
        mapping = {each["key"]: becomes.get(str(at), each["becomes"]) for at, each in enumerate(found["columns"])}
    return mapping


def _column(header: Sequence[str], place: int, sample: Sequence[Sequence[str]]) -> dict[str, Any]:
    values = dict.fromkeys(printable(cells[place])[:_LONGEST_SHOWN] for cells in sample)
    shown = [value for value in values if value][:_SHOWN]
    return {"heading": header[place], "key": key_of(header, place), "sample": shown, "becomes": ""}


def _becomes(header: Sequence[str], columns: Columns | None, among: FieldsAmong) -> dict[int, str]:
    """Return place → field, or one of the words above; places that are left out are missing."""
    if columns is None:
        fields = field_names(header, among)
        names = [fields[heading][:50] for heading in header]
        known = [next((field for field, words in SYNONYMS.items() if name in words), name) for name in names]
        return {place: name for place, name in enumerate(known) if FIELD.fullmatch(name) and known.index(name) == place}
    found = {place: name for name, place in {**columns.known, **columns.custom}.items()}
    if columns.full_name is not None:
        found[columns.full_name] = NAMES
    return {**found, **{column.place: SAYS for column in columns.opt_outs}}


def _separator(sheet: Sheet) -> str:
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", ":": "colons"}
    return names.get(getattr(sheet, "delimiter", ""), "")
