"""Pull a stored newsletter into files, and push files back, with the same bytes and the same check as in the browser.

`.NAME.pulled` beside the files notes the version that they are of, and the hash of each, so that a push begins with
the right version and a pull overwrites nobody's work.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Connection, select

from daisychain.atomic_files import replacing
from daisychain.errors import InputError, StateError
from newsletters.compose.compiler import own_brand
from newsletters.compose.manuscript import translations
from newsletters.documents.document import first_of, language_of, read_document
from newsletters.documents.text_files import MAX_TEXT_BYTES, decoded
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import NAME, SavedNewsletter, UnknownNewsletter, create, find
from newsletters.stored.saving import Collision, save
from newsletters.tables import StoredImage
from newsletters.toolkit_store.store import find_toolkit
from newsletters.toolkits.files import BRAND
from newsletters.toolkits.images import ToolkitImage, keep_images, read_image

_BOM = "\ufeff"
_PICTURE = re.compile(r"""(?<=")[^"\n]+?\.\w{3,4}(?=")|(?<![^\s"'()<>=])[^\s"'()<>=]+\.\w{3,4}""")
_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp"})


@dataclass(frozen=True)
class FolderContents:
    """Contents as they are in a folder, with the pictures themselves."""

    contents: Contents
    images: Mapping[str, ToolkitImage]


def read_folder(path: Path) -> FolderContents:
    """Return the newsletter in the file `path`: its translations, its brand, and the pictures that they name.

    Raises InputError with file and line.
    """
    document = read_document(path)
    texts = {language_of(each): _exact(each) for each in translations(path)}
    texts = {"": _exact(path), **texts}
    brand = document.brand or (BRAND if (path.parent / BRAND).is_file() else "")
    own_brand(document)  # refuses one outside of the folder
    brands = {brand: _exact(path.parent / brand)} if brand else {}
    images = {}
    for place, text in [("", each) for each in texts.values()] + [(brand, each) for each in brands.values()]:
        for name in _named(text):
            found = posixpath.normpath(PurePosixPath(place).parent / name)
            if (path.parent / found).is_file():
                images[found] = read_image(path.parent, found, found, file=path, line=1)
    return FolderContents(Contents(texts, {name: each.hash for name, each in images.items()}, brands), images)


def push(
    connection: Connection, path: Path, *, who: str, name: str = "", base: int | None = None
) -> SavedNewsletter | Collision:
    """Save the newsletter in the file `path`, or that it translates, under `name`; by default its file's own.

    A name that is not stored yet makes a new one. Without a `base` it is the version that was pulled. Commit a
    collision as well. Raises InputError, and StateError if the name is stored and no version is known to be pulled.
    """
    path = first_of(path) or path
    document, found = read_document(path), read_folder(path)
    find_toolkit(document.toolkit, None, connection)  # a folder's toolkit is not here
    name = name or path.stem
    keep_images(connection, found.images.values())
    noted = _note(path.parent, name)
    try:
        stored = find(connection, name)
    except UnknownNewsletter:
        if base is not None or not NAME.fullmatch(name):
            raise
        return create(connection, document.title or document.subject or name, found.contents, who=who, name=name)
    base = base if base is not None else noted.get("version")
    if base is None:
        raise StateError(
            f"There is a newsletter {name!r} already, at version {stored.version}, and this file was not pulled.",
            hint="Pull it into another folder and put your changes there; or give --base with the version you know.",
        )
    gone = {language: None for language in stored.contents.texts if language not in found.contents.texts}
    dropped = {brand: None for brand in stored.contents.brands if brand not in found.contents.brands}
    change = Change({**gone, **found.contents.texts}, found.contents.images, {**dropped, **found.contents.brands})
    return save(connection, stored.id, base, change, who=who, kind="kept", note=f"Pushed from {path.name}")


def pull(connection: Connection, name: str, folder: Path) -> list[Path]:
    """Write a stored newsletter's files into `folder`; returns them, the first text first.

    Raises StateError, and writes nothing, if a file there has changes that were not pushed.
    """
    stored = find(connection, name)
    contents = stored.contents
    files = {f"{name}.{language}.md" if language else f"{name}.md": text.encode()
             for language, text in contents.texts.items()}  # fmt: skip
    files |= {path: text.encode() for path, text in contents.brands.items()}
    for path, hash_ in contents.images.items():
        files[path] = connection.execute(select(StoredImage.content).where(StoredImage.hash == hash_)).scalar_one()
    known: Mapping[str, str] = _note(folder, name).get("files", {})
    for path, content in files.items():
        place = folder / path
        if place.exists() and _hash(place.read_bytes()) not in (known.get(path), _hash(content)):
            raise StateError(
                f"{place} has changes that were not pushed. Nothing was written.",
                hint=f"Push them first, or pull into another folder: daisychain newsletter pull {name} FOLDER",
            )
    for path, content in files.items():
        _write(folder / path, content)
    note_version(folder, stored, files)
    return [folder / path for path in files]


def note_version(folder: Path, stored: SavedNewsletter, files: Mapping[str, bytes] | None = None) -> None:
    """Note which version the files in `folder` are of: `files`, or else those that were just pushed."""
    if files is None:
        paths = [path for path in _paths(stored) if (folder / path).is_file()]
        files = {path: (folder / path).read_bytes() for path in paths}
    note = {
        "name": stored.name,
        "version": stored.version,
        "files": {path: _hash(each) for path, each in files.items()},
    }
    _write(folder / f".{stored.name}.pulled", json.dumps(note, indent=1).encode())


def _paths(stored: SavedNewsletter) -> list[str]:
    texts = [f"{stored.name}.{language}.md" if language else f"{stored.name}.md" for language in stored.contents.texts]
    return [*texts, *stored.contents.brands, *stored.contents.images]


def _note(folder: Path, name: str) -> dict[str, Any]:
    try:
        note = json.loads((folder / f".{name}.pulled").read_bytes())
        return note if isinstance(note.get("version"), int) and isinstance(note.get("files"), dict) else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _exact(path: Path) -> str:
    """Return a file's text with every byte of it, also a mark that it begins with."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"This file can't be read: {error.strerror}.", file=path) from None
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(f"This file is too large: {MAX_TEXT_BYTES:,} bytes are allowed.", file=path)
    return _BOM * content.startswith(_BOM.encode()) + decoded(content, path)


def _named(text: str) -> set[str]:
    """Return what a text may name as a picture: `hero.jpg`, `my%20picture.png` or "my picture.png"."""
    names = {unquote(found[0]) for found in _PICTURE.finditer(text)}
    return {name for name in names if PurePosixPath(name).suffix.lower() in _ENDINGS and "://" not in name}


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"The newsletter can't be written: {error.strerror}.", file=path) from None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
