"""Replacing: a file takes the place of another whole, and nothing that stood there is written into."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from daisychain.atomic_files import PRIVATE, replacing


def test_a_link_is_replaced_and_what_it_names_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other")
    (tmp_path / "file").symlink_to(tmp_path / "other")
    with replacing(tmp_path / "file", rights=PRIVATE, encoding="utf-8") as file:
        file.write("a\r\n")
    assert (tmp_path / "file").read_bytes() == b"a\r\n"
    assert stat.S_IMODE((tmp_path / "file").lstat().st_mode) == PRIVATE
    assert (tmp_path / "other").read_text() == "other"


def test_where_writing_fails_what_was_there_stays_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(TypeError), replacing(tmp_path / "file") as file:
        file.writelines([b"half" * 1_000_000, "no bytes"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"
