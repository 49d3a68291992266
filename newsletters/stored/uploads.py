"""Pictures of a stored newsletter: checked before they are stored, and kept as long as a version has them."""

from __future__ import annotations

from itertools import count
from pathlib import PurePath

from sqlalchemy import Connection, select

from daisychain.errors import InputError
from daisychain.slug import slug
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import SavedNewsletter, load, put
from newsletters.tables import StoredImage
from newsletters.toolkits.images import EXTENSIONS, MAX_BYTES, ToolkitImage, keep_images, measure


def add_picture(
    connection: Connection, newsletter_id: int, file_name: str, content: bytes, *, who: str
) -> tuple[SavedNewsletter, ToolkitImage]:
    """Add an uploaded picture under a name made from its file's; the second value has the name, size and type.

    The same picture again changes nothing. Raises InputError for any other file, and one that is too large. Read at
    most `MAX_BYTES` + 1 bytes of an upload: that shows that it is too large.
    """
    if not content:
        raise InputError("This file is empty.", hint="Choose the picture again.")
    image = measure(content[: MAX_BYTES + 1], PurePath(file_name.replace("\\", "/")).name)
    now = load(connection, newsletter_id, lock=True)
    images = now.contents.images
    name = next((name for name, hash_ in images.items() if hash_ == image.hash), None)
    if name is None:
        stem, ending = slug(PurePath(image.name).stem)[:60] or "picture", EXTENSIONS[image.media_type]
        names = (f"{stem}-{number}.{ending}" if number > 1 else f"{stem}.{ending}" for number in count(1))
        name = next(each for each in names if each not in images)
        contents = Change(images={name: image.hash}).applied(now.contents)
        keep_images(connection, [image])
        now = put(connection, now, contents, who=who, note=f"Added the picture {name}")
    return now, ToolkitImage(name, image.content, image.media_type, image.width, image.height, image.hash)


def own_pictures(connection: Connection, contents: Contents) -> list[ToolkitImage]:
    """Return the pictures of a newsletter, without their content."""
    table = StoredImage
    wanted = table.hash.in_([*contents.images.values()])
    rows = connection.execute(select(table.hash, table.media_type, table.width, table.height).where(wanted))
    known = {row.hash: (row.media_type, row.width, row.height, row.hash) for row in rows}
    return [ToolkitImage(name, b"", *known[each]) for name, each in contents.images.items() if each in known]


def remove_picture(connection: Connection, newsletter_id: int, name: str, *, who: str) -> SavedNewsletter:
    """Take a picture out of a newsletter, which `undo` brings back; nothing happens if it is missing."""
    now = load(connection, newsletter_id, lock=True)
    if name not in now.contents.images:
        return now
    contents = Change(images={name: None}).applied(now.contents)
    return put(connection, now, contents, who=who, note=f"Removed the picture {name}")
