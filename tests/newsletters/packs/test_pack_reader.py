"""Reading packs: what is no pack, or wants to be more than one, is an error and not a crash."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daisychain.errors import InputError
from newsletters.packs import pack_reader
from newsletters.packs.pack_reader import read_pack
from tests.daisychain.sheets.workbooks import STRANGE_ZIPS, write_strange_zip

SHEET: dict[str, Any] = {
    "format": 1, "pack": "A" * 22, "expires": None, "toolkit": {"name": "kit"}, "copy blocks": [], "files": {},
    "hash": "",
}  # fmt: skip
BLOCK = {"id": "welcome", "title": "Welcome", "version": "1", "hash": ""}


def zipped(**files: bytes) -> bytes:
    """A zip of a pack with these files beside its sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/pack.json", json.dumps(SHEET))
        for name, content in files.items():
            archive.writestr(f"x/{name}", content)
    return target.getvalue()


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": 2}, {"pack": 1}, {"pack": "a\0b"}, {"expires": "soon"}, {"expires": 20260501}, {"toolkit": "kit"},
        {"toolkit": {"name": "a\0b"}}, {"copy blocks": {}}, {"copy blocks": [{"id": 1}]}, {"copy blocks": ["welcome"]},
        {"copy blocks": [BLOCK | {"title": None}]}, {"files": []}, {"files": {"email.html": ["x"]}}, {"hash": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_sheet_of_another_shape_can_not_be_read(tmp_path: Path, wrong: dict[str, Any]) -> None:
    sheet = tmp_path / "pack.json"
    sheet.write_text(json.dumps(SHEET | {"copy blocks": [BLOCK]}))
    assert read_pack(tmp_path).sheet["pack"] == "A" * 22
    sheet.write_text(json.dumps(SHEET | wrong))
    with pytest.raises(InputError, match=r"pack\.json can't be read"):
        read_pack(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b"[" * 100_000, b"9" * 5_000], ids=["", "[]", "ff", "[[", "99"]
)
def test_what_is_no_json_can_not_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pack.json").write_bytes(content)
    with pytest.raises(InputError, match=r"pack\.json can't be read"):
        read_pack(tmp_path)


def encrypted(content: bytes) -> bytes:
    """`content`, said to be encrypted."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def repacked(content: bytes, packing: int) -> bytes:
    """The files of a zip, packed in another way."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return target.getvalue()


@pytest.mark.parametrize(
    "spoilt",
    [
        encrypted,
        lambda content: repacked(content, zipfile.ZIP_BZIP2),
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"x/pack.json", b"x/p\xff\xfe.json"),
        lambda content: content[:45] + b"\xff" * 10 + content[55:],
    ],
    ids=["encrypted", "bzip2", "cut off", "odd name", "spoilt"],
)
def test_a_zip_that_can_not_be_unpacked_is_told(tmp_path: Path, spoilt: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(spoilt(zipped(a=b"a")))
    with pytest.raises(InputError):
        read_pack(path)


def test_a_zip_that_would_fill_the_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_reader, "LARGEST", 30 * 2**20)
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped(a=bytes(30 * 2**20)))
    tracemalloc.start()
    with pytest.raises(InputError, match="larger than any pack"):
        read_pack(path)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_an_entry_that_unpacks_to_more_than_it_says_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(a=bytes(50 * 2**20)))
    second = content.rindex(b"PK\x01\x02")
    content[second + 24 : second + 28] = (1_000).to_bytes(4, "little")
    path = tmp_path / "lie.zip"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(InputError, match="CRC"):
        read_pack(path)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_reader, "MOST_FILES", 2)
    (tmp_path / "pack").mkdir()
    for name in ("pack.json", "a", "b"):
        (tmp_path / "pack" / name).write_text(json.dumps(SHEET))
    (tmp_path / "pack.zip").write_bytes(zipped(a=b"", b=b""))
    for path in (tmp_path / "pack", tmp_path / "pack.zip"):
        with pytest.raises(InputError, match="more than 2 files"):
            read_pack(path)


@pytest.mark.parametrize("strange", STRANGE_ZIPS)
def test_a_zip_that_python_can_not_read_is_no_pack(tmp_path: Path, strange: str) -> None:
    with pytest.raises(InputError, match="The pack can't be read"):
        read_pack(write_strange_zip(tmp_path / "a.zip", strange))
