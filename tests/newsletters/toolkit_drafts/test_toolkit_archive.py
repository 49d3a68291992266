"""A toolkit as a zip and as a folder: exact both ways, and safe to read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from daisychain.errors import DaisychainError, InputError, StateError
from newsletters.toolkit_drafts import toolkit_archive
from newsletters.toolkit_drafts.toolkit_archive import files_in_zip, write_folder, zip_of
from newsletters.toolkit_store.store import SHIPPED
from newsletters.toolkits.toolkit import load_files, load_folder
from tests.daisychain.sheets.workbooks import STRANGE_ZIPS, write_strange_zip
from tests.newsletters.sample_toolkits import files


def zipped(entries: dict[str, bytes], **attributes: int) -> bytes:
    """A zip with these entries; attributes are set on each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return file.getvalue()


def test_a_toolkit_comes_back_the_same_by_zip_and_by_folder(tmp_path: Path) -> None:
    toolkit = load_folder(SHIPPED / "community-makes-us")
    assert zip_of("kit", toolkit.files) == zip_of("kit", dict(reversed(toolkit.files.items())))
    again = load_files(files_in_zip(zip_of("kit", toolkit.files)), "zip")
    assert again.content_hash == toolkit.content_hash
    assert write_folder(toolkit.files, tmp_path / "kit") is True
    assert load_folder(tmp_path / "kit").content_hash == toolkit.content_hash
    assert write_folder(toolkit.files, tmp_path / "kit") is False
    assert [path.name for path in tmp_path.iterdir()] == ["kit"]


def test_zips_that_people_make_are_read() -> None:
    for above in ("", "spring-fair/", "a/b/", "spring-fair\\"):
        entries = {
            f"{above}{path.replace('/', chr(92)) if chr(92) in above else path}": each for path, each in files().items()
        }
        entries |= {"__MACOSX/._toolkit.yml": b"x", f"{above}.DS_Store": b"x"}
        assert files_in_zip(zipped(entries)) == files()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04 broken", "not a zip"),
        (zipped(files())[:-300], "not a zip"),
        (zipped({"a.txt": b"x"}), "no toolkit.yml"),
        (zipped({**files(), "../../etc/passwd": b"x"}), "outside"),
        (zipped({**files(), "/etc/passwd": b"x"}), "outside"),
        (zipped({**files(), "..\\evil": b"x"}), "outside"),
        (zipped({**files(), "C:\\evil": b"x"}), "outside"),
        (zipped(files(), external_attr=0o120777 << 16), "is a link"),
        (zipped({**files(), "images/bomb.png": b"\0" * (50 * 1024 * 1024)}), "too large"),
        (zipped({**files(), **{f"images/{n}.png": b"\0" * (4 * 1024 * 1024) for n in range(12)}}), "too large"),
        (zipped({**files(), **{f"copy/{n}.md": b"" for n in range(2_300)}}), "files in this zip"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_zips_that_are_broken_or_meant_badly_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        files_in_zip(content)


def test_a_password_is_named() -> None:
    content = bytearray(zipped(files()))
    for at in range(len(content) - 10):
        if content[at : at + 4] == b"PK\x01\x02":
            content[at + 8] |= 1
    with pytest.raises(InputError, match="password"):
        files_in_zip(bytes(content))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("toolkit.yml", b"a")
        archive.writestr("toolkit.yml", b"b")
    with pytest.raises(InputError, match="twice"):
        files_in_zip(file.getvalue())


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    for name, content in {"file": None, "folder/mine.txt": b"mine", "part/toolkit.yml": files()["toolkit.yml"]}.items():
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content or b"")
        with pytest.raises(StateError, match="something else"):
            write_folder(files(), tmp_path / name.partition("/")[0])
        assert place.read_bytes() == (content or b"")
    (tmp_path / "empty").mkdir()
    assert write_folder(files(), tmp_path / "empty")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def fails(self: Path, content: bytes) -> int:
        written.append(self)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return 0

    monkeypatch.setattr(toolkit_archive.Path, "write_bytes", fails)
    with pytest.raises(DaisychainError, match="No space left"):
        write_folder(files(), tmp_path / "kit")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("strange", STRANGE_ZIPS)
def test_a_zip_that_python_can_not_read_is_refused(tmp_path: Path, strange: str) -> None:
    with pytest.raises(InputError, match="not a zip that can be read"):
        files_in_zip(write_strange_zip(tmp_path / "a.zip", strange).read_bytes())
