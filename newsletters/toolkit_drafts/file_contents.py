"""The contents of drafts' files: stored once by hash, and found by version."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import StateError
from newsletters.tables import ToolkitContent, ToolkitVersion
from newsletters.toolkit_drafts.file_fields import Files, file_hash


def version_files(connection: Connection, name: str, version: int) -> dict[str, str]:
    """Return the files of a version, by path, as hashes. Raises StateError."""
    table = ToolkitVersion
    wanted = select(table.files).where(table.toolkit == name, table.version == version, table.kind != "collided")
    found: dict[str, str] | None = connection.scalar(wanted)
    if found is None:
        raise StateError(f"There is no version {version} of {name!r}.", hint="Load the page again.")
    return found


def version_contents(connection: Connection, name: str, version: int) -> dict[str, bytes]:
    """Return the files of a version, by path. Raises StateError."""
    return contents(connection, version_files(connection, name, version))


def contents(connection: Connection, hashes: Mapping[str, str]) -> dict[str, bytes]:
    """Return files by path, given by their hashes."""
    wanted = ToolkitContent.hash.in_(set(hashes.values()))
    rows = connection.execute(select(ToolkitContent.hash, ToolkitContent.content).where(wanted)).all()
    known = {row.hash: row.content for row in rows}
    return {path: known[hash_] for path, hash_ in hashes.items()}


def keep_files(connection: Connection, files: Files) -> dict[str, str]:
    """Store contents that are not stored yet; returns the hash of each file."""
    hashes = {path: file_hash(content) for path, content in files.items()}
    rows = {hashes[path]: content for path, content in files.items()}
    for known in connection.scalars(select(ToolkitContent.hash).where(ToolkitContent.hash.in_(rows))):
        del rows[known]
    if rows:
        values = [{"hash": hash_, "content": rows[hash_]} for hash_ in sorted(rows)]
        connection.execute(insert(ToolkitContent).on_conflict_do_nothing(), values)
    return hashes
