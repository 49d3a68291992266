"""Pack reader: the sheet and files of a pack that somebody has, which may be anything, within limits."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from daisychain.errors import InputError
from daisychain.sheets.unreadable_zips import UNREADABLE_ZIP
from newsletters.packs.provenance import FORMAT, SHEET

# Far above the largest of ours, which holds some dozens of pictures.
MOST_FILES = 2_000
LARGEST = 200 * 1024**2  # bytes, of all files together
_BLOCK = ("id", "title", "version", "hash")
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_PACKED_OUR_WAY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class FoundPack:
    """A pack as it was found: what its sheet says, the SHA-256 of that sheet (hex), and its other files by path."""

    sheet: Mapping[str, Any]
    sheet_hash: str
    files: Mapping[str, bytes] = field(repr=False)


def read_pack(path: Path) -> FoundPack:
    """Return the pack in the folder or zip `path`; raises InputError."""
    try:
        files = _unzipped(path) if path.is_file() else _in_folder(path)
    except UNREADABLE_ZIP as error:
        raise InputError(f"The pack can't be read: {error}.", file=path) from None
    if SHEET not in files:
        raise InputError(f"There is no {SHEET} in {str(path)!r}.", hint="Name the folder or zip of one pack.")
    content = files.pop(SHEET)
    try:
        sheet = json.loads(content)
    except (ValueError, RecursionError):
        sheet = None
    if not _is_sheet(sheet):
        raise InputError(f"{SHEET} can't be read.", file=path / SHEET, hint="Ask the coalition for a new pack.")
    return FoundPack(sheet, hashlib.sha256(content).hexdigest(), files)


def _is_sheet(sheet: Any) -> bool:
    """Return whether `sheet` has what is asked of it later, in the shape in which `provenance` writes it."""
    match sheet:
        case {
            "format": found,
            "pack": str(key),
            "expires": expires,
            "toolkit": {"name": str(toolkit)},
            "copy blocks": list(blocks),
            "files": dict(files),
            "hash": str(),
        } if found == FORMAT:
            return (
                key.isprintable()
                and toolkit.isprintable()  # a database takes no NUL in a text
                and _is_day(expires)
                and all(isinstance(each, str) for each in files.values())
                and all(_is_block(block) for block in blocks)
            )
    return False


def _is_block(block: Any) -> bool:
    known = isinstance(block, dict) and all(isinstance(block.get(key), str) for key in _BLOCK)
    return known and _is_day(block.get("expires"))


def _is_day(day: Any) -> bool:
    """Return whether `day` is a date, or none."""
    try:
        return day is None or bool(date.fromisoformat(day))
    except (TypeError, ValueError):
        return False


def _refuse_too_much(path: Path, count: int, size: int) -> None:
    if count > MOST_FILES or size > LARGEST:
        raise InputError(
            f"This is larger than any pack: more than {MOST_FILES:,} files, or than {LARGEST // 1024**2} MiB.",
            file=path,
        )


def _in_folder(path: Path) -> dict[str, bytes]:
    if not path.is_dir():
        raise InputError(f"There is no pack {str(path)!r}.")
    if not (path / SHEET).is_file():
        return {}
    found, size = [], 0
    for each in path.rglob("*"):
        if each.is_file() and each.name not in _LITTER:
            found.append(each)
            size += each.stat().st_size
            _refuse_too_much(path, len(found), size)
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in found}


def _unzipped(path: Path) -> dict[str, bytes]:
    _refuse_too_much(path, 0, path.stat().st_size)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _refuse_too_much(path, len(entries), sum(entry.file_size for entry in entries))
        return {
            PurePosixPath(*PurePosixPath(entry.filename).parts[1:]).as_posix(): _entry(archive, entry)
            for entry in entries
        }


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type not in _PACKED_OUR_WAY:
        raise zipfile.BadZipFile(f"{entry.filename!r} is packed in a way of another program")
    with archive.open(entry) as file:
        # Asked for a size, it unpacks no more than that, whatever comes; without one, all, before it looks.
        return file.read(entry.file_size)
