"""Imports: a CSV or workbook of members into a list, in one transaction, in memory that does not grow with the file.

The rows go by COPY into a temporary table, good and bad alike (lists/merging.py does the rest by whole sets),
and a second reading of the file writes the refused ones down with their reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from daisychain.csv_cells import unguard
from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from daisychain.sheets.sheet import Row, Sheet
from daisychain.terminal_text import CONTROLS
from lists import merging
from lists.addresses import Address, AddressError, common_key, parse_address
from lists.columns import Columns, read_columns
from lists.refusals import refused_path, write_refused

# What mailing somebody can rest on (UK GDPR article 6, PECR regulation 22); "unknown" is recorded as such.
BASES = ("unknown", "consent", "soft-opt-in", "legitimate-interest")
LONGEST_VALUE = 2_000  # characters
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_ROWS_A_REPORT = 10_000

Watch = Callable[[str, int], None]
"""Called every few thousand rows with the current step and how many bytes of the file have been read."""


@dataclass(frozen=True)
class ImportOptions:
    """The reading of a file, and what its people's consent rests on; `mapping` is heading → field."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    sheet: str | None = None
    basis: str = "unknown"
    source: str = ""
    refused: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True)
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


def import_members(
    connection: Connection,
    list_id: int,
    path: Path,
    options: ImportOptions | None = None,
    watch: Watch = lambda doing, done: None,
) -> ImportSummary:
    """Merge the people in the file `path` into a list; raises InputError, and then nothing is changed."""
    options = options or ImportOptions()
    _require_consent_record(options)
    with open_sheet(path, options.encoding, options.sheet) as sheet:
        columns = read_columns(sheet.header, options.mapping, path)
        target = refused_path(path, options.refused)
        savepoint = connection.begin_nested()
        try:
            merging.prepare(connection)
            _lay_down(connection, sheet, columns, watch)
            watch("Merging", sheet.size)
            counts = merging.merge(connection, list_id, basis=options.basis, source=options.source.strip())
            if counts.refused:
                watch("Writing refused rows", sheet.size)
                write_refused(target, sheet, merging.refused(connection))
        except BaseException:
            savepoint.rollback()
            raise
        savepoint.rollback() if options.dry_run else savepoint.commit()
        return ImportSummary(
            **asdict(counts),
            dry_run=options.dry_run,
            refused_file=target if counts.refused else None,
            basis=options.basis,
            source=options.source.strip(),
            encoding=sheet.encoding,
            note=sheet.note,
            columns=dict(columns.headings),
            custom_fields=list(columns.custom),
            left_out=list(columns.left_out),
        )


def _require_consent_record(options: ImportOptions) -> None:
    if options.basis not in BASES:
        raise InputError(f"There is no basis named {options.basis!r}.", hint=f"Known: {', '.join(BASES)}.")
    if options.basis != "unknown" and not options.source.strip():
        raise InputError(
            f"The basis {options.basis!r} needs a source: where it is recorded.",
            hint='For instance: --source "sign-up form on our site, wording of May 2026"',
        )


def _lay_down(connection: Connection, sheet: Sheet, columns: Columns, watch: Watch) -> None:
    """COPY every row of the sheet into `incoming`, with the reason if it is refused."""
    reading = _RowReading(columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(merging.COPY) as copy:
        for number, row in enumerate(sheet.rows()):
            if number % _ROWS_A_REPORT == 0:
                watch("Reading", sheet.position)
            try:
                copy.write_row(reading.read(row))
            except RowError as problem:
                copy.write_row((row[0], str(problem), None, None, None, None, None, None, None))


# A column that was not mapped, from a tool that keeps unsubscribed people: its plain answers are followed anyway.
STATUS_FIELDS = frozenset({
    "status", "state", "subscription_status", "subscriber_status", "member_status", "email_status",
    "email_marketing_status",
})  # fmt: skip
GONE = frozenset({
    "unsubscribed", "cleaned", "bounced", "complained", "suppressed", "opted out", "opted-out", "nonsubscribed",
    "non-subscribed", "not subscribed", "blocked", "blocklisted", "deleted", "archived",
})  # fmt: skip


class RowError(ValueError):
    """A row can't be used; the message is its reason in the file of refused rows, "kind: details"."""


class _RowReading:
    """Reads the rows of one sheet into what COPY takes; a million times, so it spares every step it can."""

    def __init__(self, columns: Columns) -> None:
        known = columns.known
        self.email = columns.email
        self.first_name = known.get("first_name")
        self.last_name = known.get("last_name")
        self.language = known.get("language")
        self.consented_at = known.get("consented_at")
        self.list_state = known.get("list_state")
        self.custom = tuple(columns.custom.items())
        self.doubtful = tuple(place for name, place in self.custom if name in STATUS_FIELDS)
        self.latest = datetime.now(UTC) + timedelta(days=1)

    def read(self, row: Row) -> tuple[object, ...]:
        """Return the row in the order of merging.COPY; raises RowError."""
        line, raw, problem = row
        if problem:
            raise RowError(problem)
        cells = _clean(raw)
        written = cells[self.email]
        key = common_key(written)
        if key is None:
            written, key = _address(written)
        if self.list_state is not None and cells[self.list_state].lower() not in {"", "subscribed"}:
            raise RowError(f"not subscribed: the file says {cells[self.list_state]}")
        for place in self.doubtful:
            if cells[place].lower() in GONE:
                raise RowError(f"not subscribed: the file says {cells[place]}")
        custom = {name: cells[place] for name, place in self.custom if cells[place]}
        return (
            line,
            None,
            written,
            key,
            "" if self.first_name is None else cells[self.first_name],
            "" if self.last_name is None else cells[self.last_name],
            "" if self.language is None else _language(cells[self.language]),
            None if self.consented_at is None else self._time(cells[self.consented_at]),
            orjson.dumps(custom).decode() if custom else "{}",
        )

    def _time(self, cell: str) -> datetime | None:
        if not cell:
            return None
        try:
            time = datetime.fromisoformat(cell)
        except ValueError:
            raise RowError(f"consent date: {cell} is not written like 2026-05-31") from None
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        if time > self.latest:
            raise RowError(f"consent date: {cell} is in the future")
        return time


def _clean(cells: list[str]) -> list[str]:
    """Return the cells, each on one line, without spaces around it, controls or the guard against formulas.

    Raises RowError.
    """
    together = "".join(cells)
    if together.isprintable():
        cells = [cell.strip() for cell in cells]
    elif "\0" in together:
        raise RowError("cells: a NUL byte")
    else:
        cells = [" ".join(CONTROLS.sub(" ", cell).split()) for cell in cells]
    if len(together) > LONGEST_VALUE and max(map(len, cells)) > LONGEST_VALUE:
        raise RowError(f"cells: one is longer than {LONGEST_VALUE:,} characters")
    return [unguard(cell) for cell in cells] if "'" in together or '="' in together else cells


def _address(cell: str) -> Address:
    try:
        return parse_address(cell)
    except AddressError as problem:
        raise RowError(f"address: {problem}") from None


def _language(cell: str) -> str:
    if cell and not _LANGUAGE.fullmatch(cell):
        raise RowError(f"language: {cell} is no code such as en or cy")
    return cell.lower().replace("_", "-")
