"""Verifying: whether a pack in somebody's hands is as it was made, and whether it may still be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from newsletters.packs.provenance import SHEET, Verdict, altered_files, copy_changes
from newsletters.packs.reading import read_pack
from newsletters.packs.standing import kept_sheets, pack_standing
from newsletters.shelf import UnknownToolkit, named_toolkit


def verify(connection: Connection, path: Path, today: date) -> Verdict:
    """How the pack in the folder or zip `path` stands; raises InputError where it is none."""
    found = read_pack(path)
    kept = kept_sheets(connection, found.sheet["pack"])
    altered = [*altered_files(found.sheet, found.files)]
    if kept is not None and found.sheet_hash not in kept:
        altered.insert(0, f"{SHEET} was changed.")
    changes = tuple(dict.fromkeys(_changes(connection, found.sheet, today)))
    return Verdict(found.sheet, kept is not None, tuple(dict.fromkeys(altered)), changes)


def _changes(connection: Connection, sheet: Mapping[str, Any], today: date) -> Iterator[str]:
    if sheet["expires"] and today > date.fromisoformat(sheet["expires"]):
        yield f"It was to be sent by {date.fromisoformat(sheet['expires']):%d %B %Y}."
    if standing := pack_standing(connection, sheet["pack"], today):
        if standing.state == "withdrawn":
            yield "It was withdrawn."
        yield from standing.why
    try:
        toolkit = named_toolkit(sheet["toolkit"]["name"], connection)
    except UnknownToolkit:
        return  # a toolkit that is only a folder: what its pack says is all that is known
    yield from copy_changes(sheet["copy blocks"], toolkit, today)
