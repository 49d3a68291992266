"""Publish a toolkit's draft, approve its copy, go back to earlier versions, and settle what was added meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from daisychain.errors import InputError, StateError
from newsletters.tables import ToolkitDraft, ToolkitVersion
from newsletters.toolkit_drafts.file_contents import contents
from newsletters.toolkit_drafts.file_fields import copy_fields, file_hash
from newsletters.toolkit_drafts.working_copy import WorkingCopy, open_working_copy, put_files, save_files, store
from newsletters.toolkit_store.store import ToolkitEntry, list_toolkits, put_in_place
from newsletters.toolkit_store.try_copy import refuse_broken_copy
from newsletters.toolkits.toolkit import CopyBlock, Toolkit, load_files

_DROPPED = "Changes dropped"  # note of a version


@dataclass(frozen=True)
class DraftVersion:
    """One line of a toolkit's versions; `kind` is saved, published, added or collided."""

    id: int
    version: int
    kind: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True)
class DraftEntry:
    """A toolkit in the desk's list; `published` is None for one that nobody else sees yet."""

    name: str
    title: str
    published: ToolkitEntry | None
    changed: bool
    updated_at: datetime | None
    updated_by: str


def publish(connection: Connection, name: str, base: int, *, who: str, may_lift: bool = False) -> WorkingCopy:
    """Put the draft's version `base` in place for everybody. Raises InputError with file and line, and StateError.

    Only who `may_lift` the second person's approval publishes a version that no longer asks for it.
    """
    now = _locked(connection, name, base)
    if now.added:
        raise StateError("This toolkit was added from a folder meanwhile.", hint="Decide which one to go on with.")
    if waiting := unapproved(now):
        raise StateError(f"Not approved yet: {', '.join(block.title for block in waiting)}.",
                         hint="Somebody who did not write it has to approve it.")  # fmt: skip
    if now.published and now.published.approval and not now.toolkit.approval and not may_lift:
        raise StateError("This version no longer asks for a second person's approval.",
                         hint="Only an admin can publish it.")  # fmt: skip
    refuse_broken_copy(now.toolkit)
    if now.is_published:
        return now
    put_in_place(connection, now.toolkit)
    made = replace(
        now, version=now.version + 1, published=now.toolkit, based_on=now.toolkit.content_hash, writers={}, approved={}
    )
    return store(connection, made, "published", who, "Published")


def approve(connection: Connection, name: str, base: int, block_id: str, *, who: str) -> WorkingCopy:
    """Approve a copy block of the version `base`, by its id, as somebody who did not write it. Raises StateError."""
    now = _locked(connection, name, base)
    path = path_of(now.toolkit, block_id)
    if who in now.writers.get(path, ()):
        raise StateError("You changed these words yourself.", hint="Somebody else has to approve them.")
    if now.is_approved(path):
        return now
    content = copy_fields(path).write(now.files, {"approved by": who})
    return put_files(
        connection, now, {**now.files, path: content}, who=who, note=f"Approved {block_id}",
        approved={path: file_hash(content)},
    )  # fmt: skip


def unapproved(copy: WorkingCopy) -> list[CopyBlock]:
    """Return the copy blocks that a second person still has to approve."""
    if not copy.asks_approval:
        return []
    return [block for block in copy.toolkit.copy.values() if not copy.is_approved(path_of(copy.toolkit, block.id))]


def path_of(toolkit: Toolkit, block_id: str) -> str:
    """Return the path of a copy block's file. Raises StateError."""
    if block_id not in toolkit.copy:
        raise StateError(f"There is no copy block {block_id!r}.", hint="Somebody may have removed it meanwhile.")
    file = toolkit.copy[block_id].file
    return max((path for path in toolkit.files if file.endswith(f"/{path}")), key=len)


def go_back(connection: Connection, name: str, base: int, version_id: int, *, who: str) -> WorkingCopy:
    """Make an earlier version the draft again, as a new version; also one that was refused. Raises StateError."""
    now = _locked(connection, name, base)
    row = _version(connection, name, version_id)
    files, note = contents(connection, row.files), f"Version {row.version} again"
    if row.kind not in ("published", "added"):
        now = replace(now, writers=_writers_until(connection, row, now.writers))
        return save_files(connection, now, {**dict.fromkeys(now.files), **files}, who=who, note=note)
    # What was published was approved then.
    return put_files(connection, now, files, who=who, note=note, approved=dict(row.files))


def _writers_until(connection: Connection, row: Any, known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return who wrote each file of a version since the last published one, and the writers that are `known`.

    Somebody who brings words back is not their only writer, so that nobody approves their own.
    """
    until = (ToolkitVersion.toolkit == row.toolkit, ToolkitVersion.id <= row.id)
    writers = {path: set(names) for path, names in known.items()}
    before: Mapping[str, str] = {}
    for each in connection.execute(_VERSIONS.where(*until).order_by(ToolkitVersion.id)):
        if each.kind in ("published", "added") or each.note == _DROPPED:
            writers = {path: set(names) for path, names in known.items()}
        elif not each.note.startswith("Approved "):
            for path in [path for path, hash_ in each.files.items() if before.get(path) != hash_]:
                writers.setdefault(path, set()).add(each.by)
        if each.kind != "collided":
            before = each.files
    return {path: sorted(names) for path, names in writers.items()}


def settle(connection: Connection, name: str, base: int, *, keep_draft: bool, who: str) -> WorkingCopy:
    """Go on with the draft, or with what was added from a folder meanwhile; the other one stays among the versions."""
    now = _locked(connection, name, base)
    if (added := now.added) is None:
        return now
    taken = replace(
        now, version=now.version + 1, toolkit=added, hashes={}, based_on=added.content_hash, changed={}, writers={},
        approved={},
    )  # fmt: skip
    store(connection, taken, "added", "", "Added from a folder")
    if not keep_draft:
        return open_working_copy(connection, name)
    again = replace(now, version=now.version + 2, based_on=added.content_hash)
    return store(connection, again, "saved", who, "Kept in place of what was added")


def discard(connection: Connection, name: str, base: int, *, who: str) -> WorkingCopy | None:
    """Drop the changes of a draft, which stay among its versions; one that was never published goes altogether."""
    now = _locked(connection, name, base)
    if now.published is None:
        connection.execute(delete(ToolkitDraft).where(ToolkitDraft.name == name))
        return None
    back = replace(now, version=now.version + 1, toolkit=now.published, based_on=now.published.content_hash, writers={})
    return store(connection, back, "saved", who, _DROPPED)


def list_drafts(connection: Connection) -> list[DraftEntry]:
    """Return every toolkit, published or not, by title."""
    published = {each.name: each for each in list_toolkits(connection)}
    rows = {row.name: row for row in connection.execute(_DRAFTS)}
    found = []
    for name in {*published, *rows}:
        entry, row = published.get(name), rows.get(name)
        title = entry.title if entry else _title(connection, name)
        changed = row is not None and row.content_hash != row.based_on
        at, by = (row.updated_at, row.updated_by) if row else (None, "")
        found.append(DraftEntry(name, title, entry, changed, at, by))
    return sorted(found, key=lambda each: each.title.casefold())


def _title(connection: Connection, name: str) -> str:
    try:
        return open_working_copy(connection, name).toolkit.title
    except InputError:  # a later release may refuse what an earlier one stored; its own page says why
        return name


def list_draft_versions(connection: Connection, name: str) -> Sequence[DraftVersion]:
    """Return the versions of a toolkit, the newest first."""
    rows = connection.execute(_VERSIONS.where(ToolkitVersion.toolkit == name).order_by(ToolkitVersion.id.desc()))
    return [DraftVersion(*(getattr(row, each.name) for each in fields(DraftVersion))) for row in rows]


def version_toolkit(connection: Connection, name: str, version_id: int) -> Toolkit:
    """Return a toolkit as one of its versions was; also a refused one. Raises StateError, InputError."""
    return load_files(contents(connection, _version(connection, name, version_id).files), name)


def _version(connection: Connection, name: str, version_id: int) -> Any:
    wanted = _VERSIONS.where(ToolkitVersion.toolkit == name, ToolkitVersion.id == version_id)
    if (row := connection.execute(wanted).one_or_none()) is None:
        raise StateError("There is no such version.", hint="Load the page again.")
    return row


@dataclass(frozen=True)
class VersionChange:
    """One part of a toolkit that differs: a copy block by title, a picture, or another file; empty if it is missing."""

    what: str
    before: str
    after: str


def version_changes(before: Toolkit | None, after: Toolkit) -> list[VersionChange]:
    """Return what differs between two states of a toolkit, copy first; without the first one, all is new."""
    old = before.files if before else {}
    titles = {path_of(each, name): block.title for each in (before, after) if each for name, block in each.copy.items()}
    paths = [path for path in {*old, *after.files} if old.get(path) != after.files.get(path)]
    return [
        VersionChange(titles.get(path, path), _shown(old.get(path)), _shown(after.files.get(path)))
        for path in sorted(paths, key=lambda path: (path not in titles, path))
    ]


def _shown(content: bytes | None) -> str:
    if content is None:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"a picture, {len(content):,} bytes"


_VERSIONS: Select[Any] = select(*ToolkitVersion.__table__.columns)
_DRAFTS: Select[Any] = select(*ToolkitDraft.__table__.columns)


def _locked(connection: Connection, name: str, base: int) -> WorkingCopy:
    now = open_working_copy(connection, name, lock=True)
    if now.version != base:
        raise StateError(
            f"{now.updated_by or 'Somebody'} saved version {now.version} meanwhile, and you were looking at {base}.",
            hint="Look at the newest version, then decide again.",
        )
    return now
