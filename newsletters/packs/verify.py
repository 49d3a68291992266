"""Verify: whether a pack that somebody has is as it was made, and whether it may still be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from newsletters.packs.pack_reader import read_pack
from newsletters.packs.pack_status import added_toolkit, kept_sheets, pack_standing
from newsletters.packs.provenance import SHEET, PackVerdict, altered_files, beside_notes, copy_changes
from newsletters.toolkits.toolkit import Toolkit


def verify(connection: Connection, path: Path, today: date) -> PackVerdict:
    """Return the state of the pack in the folder or zip `path`; raises InputError if it is not a pack."""
    found = read_pack(path)
    kept = kept_sheets(connection, found.sheet["pack"])
    altered = [*altered_files(found.sheet, found.files)]
    if kept is not None and found.sheet_hash not in kept:
        altered.insert(0, f"{SHEET} was changed.")
    toolkit = added_toolkit(connection, found.sheet["toolkit"]["name"])
    changes = tuple(dict.fromkeys(_changes(connection, found.sheet, toolkit, today)))
    notes = tuple(beside_notes(found.sheet["copy blocks"], today))
    return PackVerdict(
        found.sheet, kept is not None, tuple(dict.fromkeys(altered)), changes, toolkit is not None, notes
    )


def _changes(connection: Connection, sheet: Mapping[str, Any], toolkit: Toolkit | None, today: date) -> Iterator[str]:
    if sheet["expires"] and today > date.fromisoformat(sheet["expires"]):
        yield f"It was to be sent by {date.fromisoformat(sheet['expires']):%d %B %Y}."
    if standing := pack_standing(connection, sheet["pack"], today):
        if standing.state == "withdrawn":
            yield "It was withdrawn."
        yield from standing.why if standing.state != "current" else ()
    if toolkit is not None:
        yield from copy_changes(sheet["copy blocks"], toolkit, today)
