"""The draft of a toolkit: found, begun from what is published, and saved as a version that nothing overwrites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.pieces.values import FieldError
from newsletters.tables import ToolkitDraft, ToolkitVersion
from newsletters.toolkit_drafts.file_contents import contents, keep_files, version_contents, version_files
from newsletters.toolkit_drafts.file_fields import FileFields, Files, about_fields, copy_fields, file_hash
from newsletters.toolkit_store.store import UnknownToolkit, list_toolkits, named_toolkit
from newsletters.toolkits.files import SHEET
from newsletters.toolkits.toolkit import SECOND_PERSON, UNAPPROVED, Toolkit, load_files

# By name and the hashes of the files: a page is asked for again and again while somebody writes.
_LOADED: Cache[Toolkit] = Cache(4)


@dataclass(frozen=True)
class WorkingCopy:
    """A toolkit as it is edited; `published` is what others use now, None if nothing is published.

    `hashes` has the SHA-256 of each file, by path. `changed`, `writers` and `approved` are as in `ToolkitDraft`.
    """

    name: str
    version: int
    toolkit: Toolkit
    hashes: Mapping[str, str]
    published: Toolkit | None
    based_on: str = ""
    changed: Mapping[str, int] = field(default_factory=dict)
    writers: Mapping[str, list[str]] = field(default_factory=dict)
    approved: Mapping[str, str] = field(default_factory=dict)
    updated_at: datetime | None = None
    updated_by: str = ""
    stored: bool = False

    @property
    def files(self) -> Files:
        """The files themselves, by path."""
        return self.toolkit.files

    @property
    def is_published(self) -> bool:
        """Whether others use exactly this."""
        return self.published is not None and self.published.content_hash == self.toolkit.content_hash

    @property
    def added(self) -> Toolkit | None:
        """The toolkit that was added by command while the draft had changes; None usually."""
        moved = self.published is not None and self.published.content_hash != self.based_on
        return self.published if moved and not self.is_published else None

    @property
    def asks_approval(self) -> bool:
        """Whether a second person has to approve copy; what is published decides as well."""
        asks = {self.toolkit.approval, self.published.approval if self.published else ""}
        return SECOND_PERSON in asks

    def is_approved(self, path: str) -> bool:
        """Return whether the copy block in a file is as it was published, or as a second person approved it."""
        before = self.published.files.get(path) if self.published else None
        return self.files.get(path) == before or self.approved.get(path) == self.hashes.get(path)

    def changed_files(self) -> list[str]:
        """Return the paths of files that differ from what is published."""
        before = self.published.files if self.published else {}
        return sorted(path for path in {*before, *self.files} if before.get(path) != self.files.get(path))


@dataclass(frozen=True)
class FieldCollision:
    """A refused save: somebody changed the same fields meanwhile. What was typed is kept as the version `kept_as`."""

    theirs: WorkingCopy
    kept_as: int
    fields: Mapping[str, tuple[str, str]]  # by name: mine and theirs
    values: Mapping[str, str]  # all fields to go on with: theirs, but mine if I changed them


def open_working_copy(connection: Connection, name: str, *, lock: bool = False) -> WorkingCopy:
    """Return the draft of a toolkit, or what is published if there is none. Raises UnknownToolkit, InputError.

    `lock` stores it, and keeps others from saving it meanwhile.
    """
    if lock:
        connection.execute(select(ToolkitDraft.name).where(ToolkitDraft.name == name).with_for_update())
    row = connection.execute(select(ToolkitDraft).where(ToolkitDraft.name == name)).mappings().one_or_none()
    try:
        published = named_toolkit(name, connection)
    except UnknownToolkit:
        if row is None:
            raise
        published = None
    if row is None:
        assert published is not None
        found = _as_published(name, 1, published)
        return _begun(connection, found) if lock else found
    hash_ = published.content_hash if published else ""
    if published and row["based_on"] != hash_ and row["content_hash"] == row["based_on"]:
        # Nothing was changed here, so the draft goes along with what was added.
        found = _as_published(name, row["version"] + 1, published)
        return store(connection, found, "added", "", "Added from a folder") if lock else found
    hashes = version_files(connection, name, row["version"])
    based_on = hash_ if row["content_hash"] == hash_ else row["based_on"]
    return WorkingCopy(
        name, row["version"], _loaded(connection, name, hashes), hashes, published, based_on, row["changed"],
        row["writers"], row["approved"], row["updated_at"], row["updated_by"], stored=True,
    )  # fmt: skip


def create_working_copy(connection: Connection, files: Files, *, who: str) -> WorkingCopy:
    """Store a new toolkit as a draft that nobody else sees before it is published. Raises InputError."""
    toolkit = load_files(files, "toolkit")
    taken = {each.name for each in list_toolkits(connection)}
    if toolkit.name in taken or connection.scalar(select(ToolkitDraft.name).where(ToolkitDraft.name == toolkit.name)):
        raise InputError(f"There is a toolkit {toolkit.name!r} already.", hint="Choose another name.")
    hashes = keep_files(connection, toolkit.files)
    made = WorkingCopy(toolkit.name, 1, toolkit, hashes, None, writers={path: [who] for path in hashes})
    return store(connection, made, "saved", who, "Created")


def upload_files(connection: Connection, files: Files, *, who: str) -> WorkingCopy:
    """Store the files of a whole toolkit as a new one, or as the next version of its draft. Raises InputError."""
    toolkit = load_files(files, "zip")
    try:
        now = open_working_copy(connection, toolkit.name, lock=True)
    except UnknownToolkit:
        return create_working_copy(connection, toolkit.files, who=who)
    return save_files(connection, now, {**dict.fromkeys(now.files), **toolkit.files}, who=who, note="Uploaded as a zip")


def save_fields(
    connection: Connection, name: str, base: int, fields: FileFields, typed: Mapping[str, str], *, who: str
) -> WorkingCopy | FieldCollision:
    """Save what was typed into a form that began with the version `base`; commit a collision as well.

    A field that somebody else changed meanwhile is not overwritten unless both typed the same. Raises FieldError,
    InputError for another file, and UnknownToolkit.
    """
    now = open_working_copy(connection, name, lock=True)
    then = now.files if base == now.version else version_contents(connection, name, base)
    old, theirs = fields.read(then), fields.read(now.files)
    mine = {key: value for key, value in typed.items() if value != old.get(key)}
    both = {
        key: (value, theirs[key]) for key, value in mine.items() if theirs[key] != old.get(key) and theirs[key] != value
    }
    if both:
        kept = {**now.files, fields.file: fields.write(now.files, mine)}
        note = f"Refused: {now.updated_by} saved version {now.version} meanwhile"
        kept_as = _add_version(connection, now, "collided", keep_files(connection, kept), who, note, base)
        return FieldCollision(now, kept_as, both, {**theirs, **mine})
    return save_written(connection, now, fields, fields.write(now.files, mine), who=who)


def save_written(
    connection: Connection, now: WorkingCopy, fields: FileFields, written: bytes, *, who: str,
    others: Mapping[str, bytes | None] | None = None, note: str = "",
) -> WorkingCopy:  # fmt: skip
    """Save a form's file, and `others` with it, as `save_files` does; raises FieldError for an error in that file."""
    try:
        return save_files(connection, now, {**(others or {}), fields.file: written}, who=who, note=note)
    except InputError as error:
        if not str(error.file).endswith(f"/{fields.file}"):
            raise
        raise FieldError(fields.field_at(written, error.line), error.message, error.hint) from None


def save_files(
    connection: Connection, now: WorkingCopy, change: Mapping[str, bytes | None], *, who: str, note: str = ""
) -> WorkingCopy:  # fmt: skip
    """Save changed files (None takes one away) of a locked draft as its next version. Raises InputError.

    Copy that changed is not approved any more, if the toolkit asks for a second person.
    """
    files = {path: content for path, content in {**now.files, **change}.items() if content is not None}
    asks = now.asks_approval or about_fields().read(files)["approval"]
    for path in [path for path in files if path.startswith("copy/")] if asks else ():
        known = now.published.files.get(path) if now.published else None
        if files[path] != known and file_hash(files[path]) != now.approved.get(path):
            files[path] = copy_fields(path).write(files, {"approved by": UNAPPROVED})
    return put_files(connection, now, files, who=who, note=note)


def put_files(
    connection: Connection, now: WorkingCopy, files: Files, *, who: str, note: str = "",
    approved: Mapping[str, str] | None = None,
) -> WorkingCopy:  # fmt: skip
    """Store files as the next version of a locked draft; `approved` has the hashes of some. Raises InputError."""
    toolkit = load_files(files, now.name)
    if toolkit.name != now.name:
        raise InputError("The name of a toolkit stays: newsletters and addresses have it.", file=f"{now.name}/{SHEET}")
    if toolkit.content_hash == now.toolkit.content_hash:
        return now
    hashes, version = keep_files(connection, toolkit.files), now.version + 1
    different = sorted(path for path in {*hashes, *now.hashes} if hashes.get(path) != now.hashes.get(path))
    new = [path for path in different if path not in (approved or {})]
    made = replace(
        now, version=version, toolkit=toolkit, hashes=hashes, approved={**now.approved, **(approved or {})},
        writers={**now.writers, **{path: sorted({*now.writers.get(path, ()), who}) for path in new}},
        changed={**now.changed, **dict.fromkeys(different, version)},
    )  # fmt: skip
    return store(connection, made, "saved", who, note or f"Changed {_listed(different)}")


def store(connection: Connection, made: WorkingCopy, kind: str, who: str, note: str) -> WorkingCopy:
    """Store a draft with a version of that kind, and return it."""
    hashes = keep_files(connection, made.files)
    values = {
        "version": made.version, "content_hash": made.toolkit.content_hash, "based_on": made.based_on,
        "changed": dict(made.changed), "writers": dict(made.writers), "approved": dict(made.approved),
        "updated_at": func.now(), "updated_by": who,
    }  # fmt: skip
    row = upsert(ToolkitDraft).values(name=made.name, **values)
    stored = row.on_conflict_do_update(index_elements=[ToolkitDraft.name], set_=values)
    at = connection.scalar(stored.returning(ToolkitDraft.updated_at))
    _add_version(connection, made, kind, hashes, who, note, made.version)
    return replace(made, updated_at=at, updated_by=who, stored=True)


def _as_published(name: str, version: int, published: Toolkit) -> WorkingCopy:
    hashes = {path: file_hash(content) for path, content in published.files.items()}
    return WorkingCopy(name, version, published, hashes, published, published.content_hash)


def _begun(connection: Connection, found: WorkingCopy) -> WorkingCopy:
    """Store the first version of a draft; if another person does so at once, theirs is taken."""
    row = {
        "name": found.name, "version": 0, "content_hash": found.based_on, "based_on": found.based_on, "updated_by": "",
    }  # fmt: skip
    made = connection.execute(upsert(ToolkitDraft).values(row).on_conflict_do_nothing()).rowcount
    if not made:
        return open_working_copy(connection, found.name, lock=True)
    return store(connection, found, "added", "", "As it was published")


def _add_version(
    connection: Connection, made: WorkingCopy, kind: str, hashes: Mapping[str, str], who: str, note: str, version: int
) -> int:
    row = {"toolkit": made.name, "version": version, "kind": kind, "files": hashes, "by": who, "note": note}
    return connection.execute(insert(ToolkitVersion).values(row).returning(ToolkitVersion.id)).scalar_one()


def _loaded(connection: Connection, name: str, hashes: Mapping[str, str]) -> Toolkit:
    key = (name, *sorted(hashes.items()))
    return _LOADED.get(key, lambda: load_files(contents(connection, hashes), name))


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more files" if len(paths) > 3 else "")
