"""Files in slices: whole, broken off, of somebody else, too large, and gone when their time is over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from daisychain.errors import InputError
from lists.uploads.upload_slices import (
    LARGEST,
    SLICE,
    UnknownUploadError,
    begin_upload,
    file_name,
    forget_old_uploads,
    missing_slice,
    put_slice,
    store_whole,
    write_file,
)
from lists.uploads.upload_tables import Upload, UploadSlice

CONTENT = bytes(range(256)) * (SLICE // 256) + b"b" * SLICE + b"the end"


def part(number: int) -> bytes:
    return CONTENT[number * SLICE : (number + 1) * SLICE]


def test_a_file_in_slices_comes_out_as_it_went_in_in_whatever_order_they_came(
    connection: Connection, tmp_path: Path
) -> None:
    upload_id = begin_upload(connection, "people.csv", len(CONTENT), "1", by="Sam")
    assert [put_slice(connection, upload_id, n, part(n), by="Sam") for n in (2, 0, 0, 1)] == [0, 1, 1, None]
    path = write_file(connection, upload_id, tmp_path)
    assert (path.name, path.read_bytes()) == ("people.csv", CONTENT)


def test_an_upload_that_broke_off_goes_on_where_it_was_for_the_same_file_of_the_same_person(
    connection: Connection,
) -> None:
    first = begin_upload(connection, "people.csv", len(CONTENT), "1", by="Sam")
    put_slice(connection, first, 0, part(0), by="Sam")
    assert begin_upload(connection, "people.csv", len(CONTENT), "1", by="Sam") == first
    assert missing_slice(connection, first) == 1
    others = [
        begin_upload(connection, "people.csv", len(CONTENT), "2", by="Sam"),
        begin_upload(connection, "people.csv", len(CONTENT) + 1, "1", by="Sam"),
        begin_upload(connection, "people.csv", len(CONTENT), "1", by="Priya"),
    ]
    assert len({first, *others}) == 4


def test_nobody_adds_to_the_file_of_somebody_else(connection: Connection) -> None:
    upload_id = begin_upload(connection, "people.csv", len(CONTENT), "1", by="Sam")
    with pytest.raises(UnknownUploadError):
        put_slice(connection, upload_id, 0, part(0), by="Priya")


@pytest.mark.parametrize(("number", "content"), [(0, b"short"), (2, b"the end and more"), (3, b"x"), (-1, part(0))])
def test_what_is_no_slice_of_the_file_is_refused(connection: Connection, number: int, content: bytes) -> None:
    upload_id = begin_upload(connection, "people.csv", len(CONTENT), "1", by="Sam")
    with pytest.raises(InputError, match="no slice"):
        put_slice(connection, upload_id, number, content, by="Sam")


@pytest.mark.parametrize("size", [0, -1, LARGEST + 1])
def test_a_file_that_is_empty_or_too_large_is_refused_before_it_is_sent(connection: Connection, size: int) -> None:
    with pytest.raises(InputError, match=r"empty|larger than 64 MB"):
        begin_upload(connection, "people.csv", size, "1", by="Sam")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("people.csv", "people.csv"), ("../../etc/passwd", "passwd"), (r"C:\Users\Ann\people.csv", "people.csv"),
        ("..", "file"), ("", "file"), ("a\0b\n.csv", "ab.csv"), ("é" * 300 + ".xlsx", "é" * 47 + ".xlsx"),
    ],
)  # fmt: skip
def test_a_name_is_one_that_any_folder_takes(given: str, kept: str) -> None:
    assert file_name(given) == kept


def test_files_go_when_their_time_is_over_with_their_slices(connection: Connection) -> None:
    store_whole(connection, "refused.csv", CONTENT, by="Sam", keep=timedelta(days=30))
    store_whole(connection, "people.csv", CONTENT, by="Sam")
    connection.execute(update(Upload).values(keep_until=Upload.keep_until - timedelta(days=2)))
    assert forget_old_uploads(connection) == 1
    assert connection.scalars(select(Upload.name)).all() == ["refused.csv"]
    assert connection.scalar(select(func.count()).select_from(UploadSlice)) == 3
