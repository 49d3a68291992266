"""Files in slices: a break in the line costs one slice, and any machine's worker can read the whole file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.errors import InputError
from lists.uploads.upload_tables import Upload, UploadSlice

SLICE = 1024 * 1024
LARGEST = 64 * 1024 * 1024
LONGEST_NAME = 100  # bytes
KEEP, KEEP_REFUSED = timedelta(hours=24), timedelta(days=30)

_MISSING = text("""
    SELECT min(place) FROM generate_series(0, :last) AS place
    WHERE NOT EXISTS (SELECT FROM upload_slices WHERE upload_id = :id AND number = place)
""")


class UnknownUploadError(InputError):
    """There is no such upload of this person, or it is gone."""


def begin_upload(connection: Connection, name: str, size: int, mark: str, *, by: str) -> int:
    """Return the id of a new upload, or of the same file's that broke off; raises InputError."""
    name = file_name(name)
    if size <= 0:
        raise InputError("The file is empty.")
    if size > LARGEST:
        raise InputError(f"The file is larger than {LARGEST // SLICE} MB.", hint="Cut it in pieces.")
    same = (Upload.name == name, Upload.size == size, Upload.mark == mark, Upload.by == by)
    found = connection.scalar(select(Upload.id).where(*same, Upload.keep_until > func.now())) if mark else None
    return found or _new(connection, name, size, by, mark=mark)


def put_slice(connection: Connection, upload_id: int, number: int, content: bytes, *, by: str) -> int | None:
    """Store a slice, and return the number of the first that is missing, None if there is none; raises InputError."""
    upload = _find(connection, upload_id, by)
    if not 0 <= number * SLICE < upload["size"] or len(content) != min(SLICE, upload["size"] - number * SLICE):
        raise InputError("This is no slice of this file.")
    row = {"upload_id": upload_id, "number": number, "content": content}
    connection.execute(upsert(UploadSlice).values(row).on_conflict_do_nothing())
    return missing_slice(connection, upload_id)


def missing_slice(connection: Connection, upload_id: int, *, by: str | None = None) -> int | None:
    """Return the number of the first slice that has not arrived; None if the file is whole. Raises InputError."""
    last = (_find(connection, upload_id, by)["size"] - 1) // SLICE
    number: int | None = connection.scalar(_MISSING, {"id": upload_id, "last": last})
    return number


def store_whole(connection: Connection, name: str, content: bytes, *, by: str, keep: timedelta = KEEP) -> int:
    """Store a file that is here already, and return its id; raises InputError."""
    if not content:
        raise InputError("The file is empty.")
    upload_id = _new(connection, file_name(name), len(content), by, keep)
    for number, start in enumerate(range(0, len(content), SLICE)):
        row = {"upload_id": upload_id, "number": number, "content": content[start : start + SLICE]}
        connection.execute(insert(UploadSlice).values(row))
    return upload_id


def slices_of(connection: Connection, upload_id: int) -> Iterator[bytes]:
    """Yield a file's content, a slice at a time; raises InputError if it is gone."""
    count = -(-_find(connection, upload_id)["size"] // SLICE)
    for number in range(count):
        this = (UploadSlice.upload_id == upload_id, UploadSlice.number == number)
        yield connection.execute(select(UploadSlice.content).where(*this)).scalar_one()


def write_file(connection: Connection, upload_id: int, folder: Path) -> Path:
    """Write a file into a folder, by its own name; raises InputError if it is gone."""
    path = folder / str(_find(connection, upload_id)["name"])
    with path.open("wb") as file:
        file.writelines(slices_of(connection, upload_id))
    return path


def forget_upload(connection: Connection, upload_id: int | None) -> None:
    """Delete a file, if there is one."""
    connection.execute(delete(Upload).where(Upload.id == upload_id))


def forget_old_uploads(connection: Connection) -> int:
    """Delete the files whose time is over; return how many."""
    return connection.execute(delete(Upload).where(Upload.keep_until < func.now())).rowcount


def file_name(name: str) -> str:
    """Return a name that a file can have in any folder, without a path."""
    plain = "".join(each for each in name.replace("\\", "/").rpartition("/")[2] if each.isprintable()).strip(". ")
    plain = plain.encode()[-LONGEST_NAME:].decode(errors="ignore")  # its end says what kind it is
    return plain or "file"


def _new(connection: Connection, name: str, size: int, by: str, keep: timedelta = KEEP, mark: str = "") -> int:
    values = {"name": name, "size": size, "mark": mark, "by": by, "keep_until": func.now() + keep}
    return int(connection.execute(insert(Upload).values(values).returning(Upload.id)).scalar_one())


def _find(connection: Connection, upload_id: int, by: str | None = None) -> RowMapping:
    of_person = () if by is None else (Upload.by == by,)
    found = connection.execute(select(Upload.__table__).where(Upload.id == upload_id, *of_person)).mappings().first()
    if found is None:
        raise UnknownUploadError("This file is no longer here: files are kept for a day.", hint="Choose it again.")
    return found
