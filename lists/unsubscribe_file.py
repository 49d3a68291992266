"""Unsubscribe the addresses of a file from one list, and remember those that were never on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from daisychain.sheets.open_sheet import open_sheet
from lists import merging
from lists.address_files import find_addresses
from lists.opt_out_words import LEFT


@dataclass
class UnsubscribeSummary:
    """The result; `read` is the sum of the other four."""

    unsubscribed: int = 0
    remembered: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    note: str = ""

    @property
    def read(self) -> int:
        return self.unsubscribed + self.remembered + self.unchanged + len(self.refused)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, and each refused row with its line and reason."""
        rows = [{"line": line, "reason": reason} for line, reason in self.refused]
        return {
            "read": self.read, "unsubscribed": self.unsubscribed, "remembered": self.remembered,
            "unchanged": self.unchanged, "refused": len(rows), "refused_rows": rows, "note": self.note,
        }  # fmt: skip


def unsubscribe_file(
    connection: Connection, list_id: int, path: Path, *, how: str, encoding: str | None = None, sheet: str | None = None
) -> UnsubscribeSummary:
    """End the membership of each address of a file; raises InputError."""
    summary = UnsubscribeSummary()
    merging.prepare(connection)
    with open_sheet(path, encoding, sheet) as opened:
        summary.note = opened.note
        driver: Any = connection.connection.driver_connection
        found = 0
        with driver.cursor() as cursor, cursor.copy(merging.COPY) as copy:
            for address in find_addresses(opened, lambda line, reason: summary.refused.append((line, reason))):
                found += 1
                row = (found, "not subscribed", None, LEFT, address.written, address.key)
                copy.write_row((*row, *merging.NOTHING))
    objections = merging.Objections(source=path.name, note="", how=how)
    counts = merging.merge(connection, list_id, basis="unknown", source="", objections=objections)
    summary.unsubscribed, summary.remembered = counts.ended, counts.remembered
    summary.unchanged = found - counts.ended - counts.remembered
    return summary
