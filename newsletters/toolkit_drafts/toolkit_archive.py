"""A toolkit's files as a zip, and back as a folder: exact, whole, and never more than a toolkit may be."""

from __future__ import annotations

import io
import secrets
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from daisychain.atomic_files import replacing
from daisychain.errors import InputError, StateError
from daisychain.sheets.unreadable_zips import UNREADABLE_ZIP
from newsletters.toolkit_drafts.file_fields import Files
from newsletters.toolkits.files import MAX_FILES, MAX_IMAGES, MAX_TOTAL_BYTES, SHEET, Folder
from newsletters.toolkits.images import MAX_BYTES

_MOST_ENTRIES = MAX_FILES + MAX_IMAGES + 100
# What file managers add by themselves.
_IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # of the format's time: the same files make the same zip


def zip_of(name: str, files: Files) -> bytes:
    """Return a zip with the folder `name`, the same for the same files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{path}", _BEGINNING)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return file.getvalue()


def write_zip(name: str, files: Files, place: Path) -> bool:
    """Write a zip; returns False if it exists with this content. Raises StateError for another file, and InputError."""
    content = zip_of(name, files)
    if place.is_file() and place.read_bytes() == content:
        return False
    if place.exists():
        raise StateError(f"There is {str(place)!r} already, which is not overwritten.", hint="Give another name.")
    try:
        with replacing(place) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"The zip can't be written: {error.strerror}.", file=place) from None
    return True


def files_in_zip(content: bytes) -> dict[str, bytes]:
    """Return the files of a zipped toolkit by path, whether or not they are in a folder; raises InputError.

    Sizes in the zip's own list are not believed: reading stops at what a toolkit may have.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _inside(_read(archive))
    except UNREADABLE_ZIP as error:
        raise InputError("This is not a zip that can be read.", hint="Zip the toolkit's folder again.") from error


def write_folder(files: Files, folder: Path) -> bool:
    """Write a toolkit's files as a new folder, whole or not at all; returns False if it has exactly these files.

    Raises StateError for a folder that holds anything else, InputError if it can't be written.
    """
    if folder.exists() or folder.is_symlink():
        if folder.is_dir() and _holds(folder, files):
            return False
        if not folder.is_dir() or any(folder.iterdir()):
            raise StateError(
                f"{str(folder)!r} holds something else, which is not overwritten.", hint="Give a folder that is new."
            )
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.part")
    try:
        for path, content in files.items():
            place = fresh / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        fresh.replace(folder)  # an empty folder may be replaced
    except OSError as error:
        raise InputError(f"The toolkit can't be written: {error.strerror}.", file=folder) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = [each for each in archive.infolist() if not each.is_dir() and not _ignored(each.filename)]
    if len(entries) > _MOST_ENTRIES:
        raise InputError(f"There are {len(entries):,} files in this zip; {_MOST_ENTRIES:,} are allowed.")
    files: dict[str, bytes] = {}
    total = 0
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))  # some programs of Windows write it so
        if path.is_absolute() or not path.parts or ".." in path.parts or ":" in path.parts[0]:
            raise InputError(f"The file {entry.filename!r} would be outside of the toolkit's folder.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"{entry.filename!r} is a link.", hint="Put the file itself into the folder.")
        if entry.flag_bits & 1:
            raise InputError("This zip has a password.", hint="Zip the folder again, without one.")
        if str(path) in files:
            raise InputError(f"The file {str(path)!r} is in this zip twice.")
        with archive.open(entry) as file:
            files[str(path)] = file.read(MAX_BYTES + 1)
        total += len(files[str(path)])
        if len(files[str(path)]) > MAX_BYTES or total > MAX_TOTAL_BYTES:
            raise InputError(
                f"The files up to {str(path)!r} are too large.",
                hint=f"A file may have {MAX_BYTES:,} bytes, and all together {MAX_TOTAL_BYTES:,}.",
            )
    return files


def _inside(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files without the folder that they are in."""
    sheets = sorted((path for path in files if PurePosixPath(path).name == SHEET), key=len)
    if not sheets:
        raise InputError(f"There is no {SHEET} in this zip.", hint="A toolkit is a folder that holds one.")
    above = sheets[0].removesuffix(SHEET)
    return {path.removeprefix(above): content for path, content in files.items() if path.startswith(above)}


def _ignored(name: str) -> bool:
    return any(part in _IGNORED for part in PurePosixPath(name.replace("\\", "/")).parts)


def _holds(folder: Path, files: Files) -> bool:
    """Report whether a folder has exactly these files."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    reader = Folder(folder)
    return found == set(files) and all(reader[path] == content for path, content in files.items())
