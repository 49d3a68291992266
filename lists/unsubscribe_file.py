"""Unsubscribe the addresses of a file from one list, and remember those that were never on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from daisychain.sheets.open_sheet import open_sheet
from lists import merging
from lists.address_files import AddressesRead, find_addresses
from lists.opt_outs.opt_out_words import LEFT


@dataclass
class UnsubscribeSummary(AddressesRead):
    """The addresses of a file that were unsubscribed, never on the list, or off it already."""

    unsubscribed: int = 0
    remembered: int = 0
    unchanged: int = 0


def unsubscribe_file(
    connection: Connection, list_id: int, path: Path, *, how: str, by: str = "",
    encoding: str | None = None, sheet: str | None = None,
) -> UnsubscribeSummary:  # fmt: skip
    """End the membership of each address of a file; raises InputError."""
    summary = UnsubscribeSummary()
    merging.prepare(connection)
    with open_sheet(path, encoding, sheet) as opened:
        summary.note = opened.note
        driver: Any = connection.connection.driver_connection
        found = 0
        with driver.cursor() as cursor, cursor.copy(merging.COPY) as copy:
            for address in find_addresses(opened, summary.refuse):
                found += 1
                row = (found, "not subscribed", None, LEFT, address.written, address.key)
                copy.write_row((*row, *merging.NOTHING))
    objections = merging.Objections(source=path.name, note="", how=how, by=by)
    counts = merging.merge(connection, list_id, basis="unknown", source="", objections=objections)
    summary.unsubscribed, summary.remembered = counts.ended, counts.remembered
    summary.unchanged = found - counts.ended - counts.remembered
    return summary
