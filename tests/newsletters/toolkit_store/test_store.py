"""The shelf: which toolkit a name means, and that an added one is there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.tables import ToolkitFile
from newsletters.toolkit_store import store
from newsletters.toolkit_store.store import (
    UnknownToolkit,
    add_toolkit,
    find_image,
    find_toolkit,
    list_toolkits,
    named_toolkit,
)
from newsletters.toolkits import images
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder

SHIPPED = "community-makes-us"


def test_an_added_toolkit_comes_back_the_same_from_the_database(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        added, changed = add_toolkit(connection, folder(tmp_path))
    with database.engine.connect() as connection:
        found = named_toolkit("spring-fair", connection)
    assert changed
    assert (found.content_hash, found.images, found.links) == (added.content_hash, added.images, added.links)
    assert found.copy["welcome"].file == "spring-fair/copy/welcome.md"


def test_adding_again_replaces_the_whole(database: Database, tmp_path: Path) -> None:
    first = folder(tmp_path / "one")
    second = folder(tmp_path / "two", files(SHEET.replace("Spring Fair", "Fair"), other=BLOCK))
    with database.engine.begin() as connection:
        add_toolkit(connection, first)
        assert add_toolkit(connection, first)[1] is False
        assert add_toolkit(connection, second)[1] is True
        assert connection.execute(select(func.count()).select_from(ToolkitFile)).scalar_one() == 3
        assert named_toolkit("spring-fair", connection).copy["welcome"].file == "spring-fair/copy/other.md"
        assert {entry.title for entry in list_toolkits(connection)} == {"Fair", "Community Makes Us"}


def test_a_toolkit_that_is_refused_leaves_the_old_one(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        before, _ = add_toolkit(connection, folder(tmp_path / "one"))
    broken = folder(tmp_path / "two", files(a=BLOCK, b=BLOCK))
    with pytest.raises(InputError), database.engine.begin() as connection:
        add_toolkit(connection, broken)
    with database.engine.connect() as connection:
        assert named_toolkit("spring-fair", connection).content_hash == before.content_hash


def test_a_folder_goes_before_an_added_toolkit_and_that_before_a_shipped_one(
    database: Database, tmp_path: Path
) -> None:
    def kit(title: str) -> dict[str, bytes]:
        return files(SHEET.replace("spring-fair", SHIPPED).replace("Spring Fair", title))

    with database.engine.begin() as connection:
        assert find_toolkit(SHIPPED, tmp_path, connection).title == "Community Makes Us"
        add_toolkit(connection, folder(tmp_path / "added", kit("Added")))
        assert find_toolkit(SHIPPED, tmp_path, connection).title == "Added"
        folder(tmp_path / SHIPPED, kit("Folder"))
        assert find_toolkit(SHIPPED, tmp_path, connection).title == "Folder"
        assert named_toolkit(SHIPPED, connection).title == "Added"
    assert named_toolkit(SHIPPED, None).title == "Community Makes Us"


@pytest.mark.parametrize("name", ["comunity-makes-us", "..", ".", "", "a/b", "x\0y", "no such thing"])
def test_an_unknown_name_tells_the_known_ones(database: Database, tmp_path: Path, name: str) -> None:
    with database.engine.connect() as connection, pytest.raises(UnknownToolkit, match="community-makes-us"):
        named_toolkit(name, connection)


def test_images_are_found_by_hash_kept_or_shipped(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        added, _ = add_toolkit(connection, folder(tmp_path))
        for image in (added.images["tent"], named_toolkit(SHIPPED, None).images["hero"]):
            assert find_image(connection, image.hash) == (image.media_type, image.content)
        assert find_image(connection, "0" * 64) is None


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """The first arguments of all calls to a function, from now on."""
    real, calls = getattr(owner, name), []
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: (calls.append(args[0]), real(*args, **kwargs))[1])
    return calls


def test_an_added_toolkit_is_read_once_until_it_is_another_and_its_pictures_are_not_decoded_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "one", files(SHEET.replace("Spring Fair", str(tmp_path)))))
        loads, decoded = counted(monkeypatch, store, "load_files"), counted(monkeypatch, images, "_measured")
        first = named_toolkit("spring-fair", connection)
        assert named_toolkit("spring-fair", connection) is first
        assert (len(loads), len(decoded)) == (1, 0)
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", str(tmp_path)))))
        assert named_toolkit("spring-fair", connection).title == "Spring Fair"
        assert len(loads) == 2


def test_only_the_toolkits_that_were_asked_for_last_are_kept_in_memory(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.engine.begin() as connection:
        for number in range(5):
            name = f"kit-{number}"
            add_toolkit(
                connection,
                folder(tmp_path / name, files(SHEET.replace("spring-fair", name).replace("A fair", str(tmp_path)))),
            )
            named_toolkit(name, connection)
        loads = counted(monkeypatch, store, "load_files")
        named_toolkit("kit-4", connection)
        named_toolkit("kit-0", connection)
        assert len(loads) == 1
