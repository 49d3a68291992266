"""Images: measured once, named by the hash of their content, and kept for as long as mails point to them."""

from __future__ import annotations

import hashlib
import io
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ExifTags, Image
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.toolkits.hidden_data import without_hidden_data

MAX_BYTES = 5 * 1024 * 1024
MAX_SIDE = 8_000
MAX_PIXELS = 30_000_000

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

_ON_ITS_SIDE = {5, 6, 7, 8}


@dataclass(frozen=True)
class ToolkitImage:
    """A picture with its real media type and size in pixels; `hash` is the SHA-256 of the content, in hex."""

    name: str
    content: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    hash: str
    alt: str = ""

    @property
    def path(self) -> str:
        """Its path below the public URL."""
        return image_path(self.hash, self.media_type)


def image_path(hash_: str, media_type: str) -> str:
    """Return `/i/<hash>.<ext>`, the public path of an image; raises KeyError for an unknown media type."""
    return f"/i/{hash_}.{EXTENSIONS[media_type]}"


# Measures of an image: media type, width and height.
Measures = tuple[str, int, int]

# By hash: a newsletter that is being written is compiled after every keystroke, with the same pictures.
_LATELY: Cache[Measures] = Cache(1_000)


def measure(
    content: bytes,
    name: str,
    *,
    alt: str = "",
    file: Path | str | None = None,
    line: int | None = None,
    known: Mapping[str, Measures] | None = None,
) -> ToolkitImage:
    """Return the image in `content` without hidden data, its type known from the bytes and not from the name.

    One whose hash is `known`, or was measured lately, is not decoded again. Raises InputError, with `file` and `line`,
    for what is too large, or is no whole PNG, JPEG, GIF or WebP.
    """
    hash_ = hashlib.sha256(content).hexdigest()
    if hash_ not in (known or {}) and len(content) <= MAX_BYTES:  # a picture that is kept may be shown somewhere
        content = without_hidden_data(content)
        hash_ = hashlib.sha256(content).hexdigest()
    try:
        media_type, width, height = (known or {}).get(hash_) or _LATELY.get(hash_, lambda: _measured(content))
    except _Refused as refused:
        raise InputError(f"The image {name!r} {refused}", file=file, line=line) from None
    return ToolkitImage(name, content, media_type, width, height, hash_, alt)


def read_image(
    folder: Path, path: str, name: str, *, alt: str = "", file: Path | str, line: int, hint: str = ""
) -> ToolkitImage:
    """Return the image `path` in `folder`, which `file` asks for in `line`; raises InputError with both.

    The `hint` is for an image that is missing.
    """
    content = read_beside(folder, path, MAX_BYTES, file=file, line=line, hint=hint)
    return measure(content, name, alt=alt, file=file, line=line)


def read_beside(folder: Path, path: str, most: int, *, file: Path | str, line: int, hint: str = "") -> bytes:
    """Return the content of an image's file in `folder`, of at most `most` bytes; raises InputError."""
    root = folder.resolve()
    found = (root / path).resolve() if "\0" not in path else root
    if not found.is_relative_to(root):
        raise InputError(f"The image {path!r} is outside the folder of {Path(file).name}.", file=file, line=line)
    if not found.is_file():
        raise InputError(f"There is no image {path!r}.", file=file, line=line, hint=hint)
    if found.stat().st_size > most:  # before it is read
        raise InputError(f"The image {path!r} is too large; {most:,} bytes are allowed.", file=file, line=line)
    return found.read_bytes()


def image_among(files: Mapping[str, bytes], path: str, *, file: str, line: int, hint: str = "") -> ToolkitImage:
    """Return the image `path` of files that are not in a folder, as `read_image` does."""
    found = posixpath.normpath(path)
    if found not in files:
        raise InputError(f"There is no image {path!r}.", file=file, line=line, hint=hint)
    return measure(files[found], path, file=file, line=line)


class _Refused(Exception):  # noqa: N818 - said aloud, it is the end of a sentence
    """Why an image can't be used, as the end of a sentence."""


def _measured(content: bytes) -> tuple[str, int, int]:
    if len(content) > MAX_BYTES:
        raise _Refused(f"is too large: {len(content):,} bytes, and {MAX_BYTES:,} are allowed.")
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "GIF", "WEBP"]) as picture:
            # The size stands in the header: looked at before a pixel is decoded.
            if max(picture.size) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
                raise _Refused(f"is too large: {picture.width} × {picture.height} pixels.")
            picture.load()
            sideways = picture.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE
            width, height = picture.size[::-1] if sideways else picture.size
            # Pillow calls the JPEG of many phones, which carries a second picture, MPO.
            return Image.MIME["JPEG" if picture.format == "MPO" else str(picture.format)], width, height
    except _Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Refused("is too large: it would unfold to more pixels than any picture needs.") from None
    except Exception:  # Pillow's readers raise whatever a broken file makes them trip over
        if b"<svg" in content[:4_096]:
            raise _Refused(
                "is not a whole PNG, JPEG, GIF or WebP but an SVG, which mail programs don't show. Open it in "
                "Inkscape, Canva or the like, and export it as a PNG: 600 pixels wide or more, with a clear background."
            ) from None
        raise _Refused("is not a whole PNG, JPEG, GIF or WebP.") from None


def known_measures(connection: Connection, contents: Iterable[bytes]) -> dict[str, Measures]:
    """Return the known measures of kept images among `contents`, by hash."""
    from newsletters.tables import StoredImage

    both = (each for content in contents for each in (content, without_hidden_data(content)))
    hashes = {hashlib.sha256(each).hexdigest() for each in both}
    found = select(StoredImage.hash, StoredImage.media_type, StoredImage.width, StoredImage.height)
    rows = connection.execute(found.where(StoredImage.hash.in_(hashes)))
    return {row.hash: (row.media_type, row.width, row.height) for row in rows}


def keep_images(connection: Connection, images: Iterable[ToolkitImage]) -> None:
    """Store the images that are not kept yet; the same content under two names is kept once."""
    from newsletters.tables import StoredImage

    rows = {
        image.hash: {
            "hash": image.hash, "media_type": image.media_type, "width": image.width, "height": image.height,
            "content": image.content, "name": image.name,
        }
        for image in images
    }  # fmt: skip
    # Contents are megabytes, and most are kept already.
    for known in connection.scalars(select(StoredImage.hash).where(StoredImage.hash.in_(rows))) if rows else ():
        del rows[known]
    if rows:
        connection.execute(insert(StoredImage).on_conflict_do_nothing(), [rows[key] for key in sorted(rows)])
