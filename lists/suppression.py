"""Suppression: addresses that must not be mailed, and why; it outlives the member."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress as passing_over
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.csv_cells import unguard
from daisychain.errors import InputError
from lists.addresses import Address, AddressError, parse_address, require_address
from lists.columns import read_columns
from lists.sheets import Sheet, open_sheet
from lists.tables import Suppression

_AT_ONCE = 5_000


@dataclass
class SuppressionSummary:
    """What became of a file of addresses; `read` is the sum of the other three."""

    added: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.added + self.unchanged + len(self.refused)

    def as_dict(self) -> dict[str, Any]:
        """The counts, and each refused row with its line and reason."""
        rows = [{"line": line, "reason": reason} for line, reason in self.refused]
        counts = {
            "read": self.read,
            "added": self.added,
            "unchanged": self.unchanged,
            "refused": len(self.refused),
        }
        return {**counts, "refused_rows": rows}


def is_suppressed(connection: Connection, address: str) -> bool:
    """Whether `address` must not be mailed; raises InputError for what is no address."""
    key = require_address(address).key
    return bool(connection.execute(select(exists().where(Suppression.address_key == key))).scalar())


def suppress(connection: Connection, address: str, reason: str, source: str = "", note: str = "") -> bool:
    """Never mail `address` again; True if that is new, and the first reason stands. Raises InputError."""
    return _suppress_many(connection, [require_address(address)], _require_reason(reason), source, note) == 1


def suppress_file(
    connection: Connection, path: Path, reason: str, *, source: str = "", encoding: str | None = None
) -> SuppressionSummary:
    """Suppress each address of a CSV, or of a plain list with one address a line; raises InputError."""
    reason = _require_reason(reason)
    summary = SuppressionSummary()
    with open_sheet(path, encoding) as sheet:
        addresses = _addresses(sheet, summary)
        while chunk := {address.key: address for address in islice(addresses, _AT_ONCE)}:
            added = _suppress_many(connection, chunk.values(), reason, source or path.name, "")
            summary.added += added
            summary.unchanged -= added
    return summary


def _addresses(sheet: Sheet, summary: SuppressionSummary) -> Iterator[Address]:
    """Each address of the file; it counts as unchanged until it proves new."""
    place, headed = _place(sheet)
    for line, cells, problem in sheet.rows(with_header=not headed):
        try:
            if problem:
                raise AddressError(problem)
            address = parse_address(unguard(cells[place]))
        except AddressError as refusal:
            summary.refused.append((line, str(refusal)))
        else:
            summary.unchanged += 1
            yield address


def _place(sheet: Sheet) -> tuple[int, bool]:
    """The column of the addresses, and whether a heading stands above them."""
    for place, cell in enumerate(sheet.header):
        with passing_over(AddressError):
            parse_address(cell)
            return place, False
    return (0 if len(sheet.header) == 1 else read_columns(sheet.header, {}, sheet.path).email), True


def _suppress_many(connection: Connection, addresses: Iterable[Address], reason: str, source: str, note: str) -> int:
    """Suppress all of `addresses` (each key once) and return how many are new."""
    # Sorted, so that two that run at once wait for each other rather than deadlock.
    rows = [
        {"address_key": key, "reason": reason, "source": source, "note": note}
        for key in sorted(address.key for address in addresses)
    ]
    statement = insert(Suppression).on_conflict_do_nothing().returning(Suppression.address_key)
    return len(connection.execute(statement, rows).all())


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise InputError("A suppression needs a reason.", hint='For instance: --reason "asked by phone"')
    return reason.strip()
