"""Imports: a CSV or workbook of members into a list, in one transaction, in memory that does not grow with the file.

The rows (lists/import_rows.py) go by COPY into a temporary table, good and bad alike. lists/merging.py does the rest by
whole sets. A second reading of the file writes the refused ones down with their reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from daisychain.sheets.open_sheet import open_sheet
from daisychain.sheets.sheet import Sheet
from lists import merging
from lists.bases import names_of_sender, require_basis, require_collector
from lists.cells import RowError
from lists.columns import has_address_heading, read_columns
from lists.consent.consent_ledger import keep_wording
from lists.import_log import finish_import, start_import
from lists.import_rows import RowReading
from lists.opt_outs.opt_out_columns import require_understood
from lists.refusals import refused_path, remove_old_refused, write_refused
from lists.tables import MailingList

_ROWS_A_REPORT = 10_000
_ROWS_A_WRITE = 200
_SAMPLE = 20  # rows
_FIELDS_AMONG = text("""
    SELECT DISTINCT name FROM members, jsonb_object_keys(fields) AS name
    WHERE fields ?| CAST(:names AS text[]) AND name = ANY (:names)
""")

Watch = Callable[[str, int], None]
"""Called every few thousand rows with the current step and how many bytes of the file have been read."""

Look = Callable[[Connection, Sheet, int], None]
"""Called once all rows are merged, to look at the result; with the import's number, 0 of a dry run."""


@dataclass(frozen=True)
class ImportOptions:
    """The reading of a file, and what its people's consent rests on; `mapping` is heading → field."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    sheet: str | None = None
    basis: str = "unknown"
    source: str = ""
    wording: str = ""  # that they agreed to, if somebody has it
    collected_by: str = ""
    refused: Path | None = None
    by: str = ""
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportSummary(merging.Counts):
    """The result of an import, and how it understood the file; `columns` is field → heading."""

    dry_run: bool
    refused_file: Path | None
    basis: str
    source: str
    encoding: str
    note: str
    columns: dict[str, str]
    custom_fields: list[str]
    left_out: list[str]
    opt_out_columns: dict[str, str]
    warnings: list[str]
    number: int | None = None


def import_members(
    connection: Connection,
    list_id: int,
    path: Path,
    options: ImportOptions | None = None,
    watch: Watch = lambda doing, done: None,
    look: Look = lambda connection, sheet, number: None,
) -> ImportSummary:
    """Merge the people in the file `path` into a list; raises InputError, and then nothing is changed."""
    options = options or ImportOptions()
    require_basis(options.basis, options.source)
    names = names_of_sender(connection, list_id)
    with open_sheet(path, options.encoding, options.sheet) as sheet:
        sheet.find_header(lambda cells: has_address_heading(cells, options.mapping))
        sample = [cells for _, cells, problem in islice(sheet.rows(), _SAMPLE) if not problem]
        columns = read_columns(
            sheet.header, options.mapping, path, sheet.header_line, sample, partial(fields_among, connection)
        )
        reading = RowReading(columns, options.collected_by.strip())
        require_collector(options.basis, options.collected_by.strip(), names, columns.known)
        target = refused_path(path, options.refused)
        savepoint = connection.begin_nested()
        try:
            number, counts = _merge(connection, list_id, sheet, reading, options, names, watch)
            look(connection, sheet, number or 0)
            if counts.refused:
                watch("Writing refused rows", sheet.size)
                write_refused(target, sheet, merging.refused(connection))
            else:
                remove_old_refused(target)
        except BaseException:
            savepoint.rollback()
            raise
        if number is None:
            savepoint.rollback()
        else:
            finish_import(connection, number, asdict(counts))
            savepoint.commit()
        return ImportSummary(
            **asdict(counts),
            number=number,
            dry_run=options.dry_run,
            refused_file=target if counts.refused else None,
            basis=options.basis,
            source=options.source.strip(),
            encoding=sheet.encoding,
            note=sheet.note,
            columns=dict(columns.headings),
            custom_fields=list(columns.custom),
            left_out=list(columns.left_out),
            opt_out_columns={column.heading: column.meaning for column in columns.opt_outs},
            warnings=[*reading.warnings(), *_of_others(counts, names[0])],
        )


def _merge(
    connection: Connection, list_id: int, sheet: Sheet, reading: RowReading, options: ImportOptions,
    names: Sequence[str], watch: Watch,
) -> tuple[int | None, merging.Counts]:  # fmt: skip
    """Read the whole sheet and merge it; return the import's number, None of a dry run, and what was done."""
    merging.prepare(connection)
    _lay_down(connection, sheet, reading, watch)
    watch("Merging", sheet.size)
    objections = _objections(connection, list_id, sheet.path) if reading.objections else None
    # A sequence does not go back, so files that are only tried get no number.
    number = None if options.dry_run else start_import(connection, list_id, sheet.path.name, options.by)
    wording_id = keep_wording(connection, list_id, options.source, "", options.wording) if options.wording else None
    return number, merging.merge(
        connection, list_id, basis=options.basis, source=options.source.strip(), sender=names, objections=objections,
        number=number or 0, wording_id=wording_id,
    )  # fmt: skip


def fields_among(connection: Connection, names: Collection[str]) -> Collection[str]:
    """Return which `names` are fields of anybody; one question, as it reads all members."""
    return connection.scalars(_FIELDS_AMONG, {"names": [*names]}).all() if names else ()


def _of_others(counts: merging.Counts, sender: str) -> list[str]:
    if not (people := counts.refused_because.get(merging.ANOTHER_ORGANISATION)):
        return []
    return [
        f"{people:,} refused: a contact belongs to the organisation that collected it. If they agreed to mail from "
        f'{sender} too, say so: --collected-by "{sender}" in place of the other, with the basis and source of that.'
    ]


def _objections(connection: Connection, list_id: int, path: Path) -> merging.Objections:
    name = connection.execute(select(MailingList.name).where(MailingList.id == list_id)).scalar_one()
    return merging.Objections(source=path.name, note=merging.note_of(name))


def _lay_down(connection: Connection, sheet: Sheet, reading: RowReading, watch: Watch) -> None:
    """COPY every row of the sheet into `incoming`, with the reason if it is refused."""
    driver: Any = connection.connection.driver_connection
    lines: list[str] = []
    with driver.cursor() as cursor, cursor.copy(merging.COPY) as copy:
        for number, row in enumerate(sheet.rows()):
            if number % _ROWS_A_REPORT == 0:
                watch("Reading", sheet.position)
            try:
                lines.append(reading.read(row))
            except RowError as problem:
                lines += reading.refused(row, str(problem))
            if len(lines) >= _ROWS_A_WRITE:
                copy.write("".join(lines))
                lines.clear()
        copy.write("".join(lines))
    require_understood(reading.questions, sheet.path)
    if reading.doubtful_dates:
        merging.refuse_doubtful(connection)
