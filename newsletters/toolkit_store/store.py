"""Toolkit store: toolkits found by name, and added for all machines to share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.cache import Cache
from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.tables import StoredImage, StoredToolkit, ToolkitFile
from newsletters.toolkits.files import SHEET
from newsletters.toolkits.images import ToolkitImage, keep_images, known_measures
from newsletters.toolkits.toolkit import TOOLKIT_NAME, UNAPPROVED, CopyBlock, Toolkit, load_files, load_folder

SHIPPED = Path(__file__).parent.parent / "toolkits" / "shipped"


@dataclass(frozen=True)
class ToolkitEntry:
    """An entry of the store's list; `added_at` is None for a toolkit that ships with Daisychain."""

    name: str
    title: str
    added_at: datetime | None


class UnknownToolkit(InputError):  # noqa: N818 - the name says it
    """No toolkit of that name has been added, and none ships."""


def find_toolkit(reference: str, base: Path | None, connection: Connection | None) -> Toolkit:
    """Return the toolkit that `reference` names: a folder seen from `base`, one that was added, or one that ships.

    Without a base or a connection, folders or the database are left out. Raises InputError; UnknownToolkit names the
    known ones.
    """
    if base is not None and (base / reference / SHEET).is_file():
        return load_folder(base / reference)
    return named_toolkit(reference, connection)


def named_toolkit(name: str, connection: Connection | None) -> Toolkit:
    """Return the toolkit `name`, added before shipped and never a folder; raises UnknownToolkit."""
    if TOOLKIT_NAME.fullmatch(name):
        if connection is not None and (added := _added_toolkit(connection, name)):
            return added
        if name in _shipped_names():
            return shipped_toolkit(name)
    known = {entry.name for entry in list_toolkits(connection)}
    raise UnknownToolkit(
        f"There is no toolkit {name!r}.",
        hint=f"{nearest(name, known)} A folder is named as seen from the document, or from your own folder.",
    )


def list_toolkits(connection: Connection | None) -> list[ToolkitEntry]:
    """Return every toolkit that can be named, sorted by name; an added one hides a shipped one of the same name."""
    found = {name: ToolkitEntry(name, shipped_toolkit(name).title, None) for name in _shipped_names()}
    if connection is not None:
        rows = connection.execute(select(StoredToolkit.name, StoredToolkit.title, StoredToolkit.added_at))
        found.update({row.name: ToolkitEntry(row.name, row.title, row.added_at) for row in rows})
    return [found[name] for name in sorted(found)]


def ending_copy(connection: Connection, today: date, days: int) -> list[tuple[Toolkit, CopyBlock]]:
    """Return the copy of all toolkits that may be used today and ends within `days`, what ends first at the top."""
    toolkits = [named_toolkit(entry.name, connection) for entry in list_toolkits(connection)]
    found = [
        (block.expires, toolkit, block)
        for toolkit in toolkits
        for block in toolkit.copy.values()
        if block.expires and today <= block.expires <= today + timedelta(days=days) and not block.unavailable(today)
    ]
    return [(toolkit, block) for _, toolkit, block in sorted(found, key=itemgetter(0))]


def checked_toolkit(folder: Path) -> Toolkit:
    """Return the toolkit in `folder`, its copy tried as well; raises InputError with file and line."""
    # The compiler is large, and what only finds toolkits does without.
    from newsletters.toolkit_store.try_copy import refuse_broken_copy

    toolkit = load_folder(folder)
    for block in toolkit.copy.values():
        if toolkit.approval and block.approved_by == UNAPPROVED:
            raise InputError(
                f"Nobody has approved the copy block {block.id!r}.", file=block.file,
                hint="This toolkit asks for a second person's approval: write their name behind `approved by`.",
            )  # fmt: skip
    refuse_broken_copy(toolkit)
    return toolkit


def add_toolkit(connection: Connection, folder: Path) -> tuple[Toolkit, bool]:
    """Store the toolkit in `folder` in place of one of that name; the second value: did that change anything?

    Run it in one transaction, so that nobody finds half a toolkit.
    """
    toolkit = checked_toolkit(folder)
    return toolkit, put_in_place(connection, toolkit)


def put_in_place(connection: Connection, toolkit: Toolkit) -> bool:
    """Store a checked toolkit in place of one of its name; returns whether that changed anything."""
    values = {"title": toolkit.title, "content_hash": toolkit.content_hash, "added_at": func.now()}
    # The write locks the row even if nothing changes: two people who add at once go one after the other.
    changed = connection.execute(
        upsert(StoredToolkit)
        .values(name=toolkit.name, **values)
        .on_conflict_do_update(
            index_elements=[StoredToolkit.name], set_=values, where=StoredToolkit.content_hash != toolkit.content_hash
        )
        .returning(StoredToolkit.name)
    ).first()
    if changed is None:
        return False
    connection.execute(delete(ToolkitFile).where(ToolkitFile.toolkit == toolkit.name))
    connection.execute(
        insert(ToolkitFile),
        [{"toolkit": toolkit.name, "path": path, "content": content} for path, content in toolkit.files.items()],
    )
    keep_images(connection, toolkit.images.values())
    return True


def find_image(connection: Connection, hash_: str) -> tuple[str, bytes] | None:
    """Return media type and content of the image with that hash, kept or shipped; None if there is none."""
    row = connection.execute(
        select(StoredImage.media_type, StoredImage.content).where(StoredImage.hash == hash_)
    ).one_or_none()
    if row is not None:
        return row.media_type, row.content
    image = _shipped_images().get(hash_)
    return (image.media_type, image.content) if image else None


@cache
def shipped_toolkit(name: str) -> Toolkit:
    """Return the toolkit `name` among those that ship; read once, since they change with the installation."""
    return load_folder(SHIPPED / name)


def is_shipped(toolkit: Toolkit) -> bool:
    """Return whether `toolkit` is one that ships, without any change."""
    return toolkit.name in _shipped_names() and toolkit.content_hash == shipped_toolkit(toolkit.name).content_hash


@cache
def _shipped_names() -> frozenset[str]:
    return frozenset(path.parent.name for path in SHIPPED.glob(f"*/{SHEET}"))


@cache
def _shipped_images() -> Mapping[str, ToolkitImage]:
    return {image.hash: image for name in _shipped_names() for image in shipped_toolkit(name).images.values()}


# A page is asked for often, and its toolkit changes seldom. By name and hash of its content.
_ADDED: Cache[Toolkit] = Cache(4)


def _added_toolkit(connection: Connection, name: str) -> Toolkit | None:
    hash_ = connection.scalar(select(StoredToolkit.content_hash).where(StoredToolkit.name == name))
    if hash_ is None:
        return None
    return _ADDED.get((name, hash_), lambda: _read_added(connection, name))


def _read_added(connection: Connection, name: str) -> Toolkit:
    rows = connection.execute(select(ToolkitFile.path, ToolkitFile.content).where(ToolkitFile.toolkit == name))
    files = {row.path: row.content for row in rows}
    return load_files(files, name, known_measures(connection, files.values()))
