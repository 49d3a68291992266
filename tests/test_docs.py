"""The documentation keeps up: it has all commands and settings, its links lead somewhere, its newsletter compiles."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import cast

import click
import pytest

from commands.main import cli
from daisychain.settings import VARIABLES
from newsletters.checks import check_languages, run_checks
from newsletters.checks.__main__ import page as checks_page
from newsletters.checks.dates import mismatched
from newsletters.compose.blocks import registry
from newsletters.compose.languages import compile_languages
from newsletters.toolkit_store.store import find_toolkit
from tests.test_house import PRODUCT

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def commands(group: click.Group = cli, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of the command line with the words that call it, groups left out."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join(("daisychain", *path, name)), command


COMMANDS = dict(commands())


def names(page: Path) -> str:
    """A page as the tree shows it, for the test's name."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_and_is_in_the_documentation(words: str) -> None:
    command = COMMANDS[words]
    assert command.help
    assert all(
        option.help for option in command.params if isinstance(option, click.Option) and option.name != "format_"
    )
    assert any(re.search(rf"{words}\b", page.read_text(encoding="utf-8")) for page in SOURCES)


def command_lines(page: Path) -> Iterator[tuple[str, bool]]:
    """Every command line of ours that stands as code in a page, and whether it is written out whole, to be run."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```(?:sh)?\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if found := re.match(r"\s*(?:\$ )?(?:\S+/)?(daisychain .*)", line):
                yield found[1], True
    for code in re.findall(r"`((?:DAISYCHAIN_\w+=\S+ )?daisychain [^`\n]+)`", text):
        yield code[code.index("daisychain ") :], False


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_line_in_the_documentation_can_be_typed(page: Path) -> None:
    for line, whole in command_lines(page):
        type_in(line, whole)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_s_help_has_examples_that_can_be_typed(words: str) -> None:
    command = COMMANDS[words]
    lines = re.findall(r"^  (daisychain .*)$", (command.help or "").partition("\b\nExamples:\n")[2], re.MULTILINE)
    assert lines
    for line in lines:
        assert line.startswith(words)
        type_in(line, whole=True)


def type_in(line: str, whole: bool) -> None:
    """Fail unless the command line would be understood; one that is not `whole` may lack arguments."""
    words = shlex.split(line.replace("\\|", "|"), comments=True)
    words = words[1 : words.index(">") if ">" in words else None]
    name, command = "daisychain", cast(click.Command, cli)
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        assert found, f"{name} has no command {words[0]!r}: {line}"
        name, command, words = f"{name} {words[0]}", found, words[1:]
    context = click.Context(command, info_name=name)
    try:
        given, left, _ = command.make_parser(context).parse_args(words)
        for param in command.params:
            value = given.get(param.name or "")
            if isinstance(param.type, click.Choice) and isinstance(value, str):
                param.type.convert(value, param, context)
            assert not (whole and param.required and value in (None, ())), f"{param.name} is missing: {line}"
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")
    assert not left, f"{name} does not take {left}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_path_in_backticks_exists(page: Path) -> None:
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for path in re.findall(rf"`((?:{folders})/[\w./*-]*)`", text):
        if not re.search(r"NAME|FAMILY|CODE|NUMBER", path):  # a place for a name of your own
            assert list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("variable", VARIABLES.values())
def test_every_setting_is_in_the_operators_page(variable: str) -> None:
    assert f"| `{variable}` |" in (ROOT / "docs/operators.md").read_text(encoding="utf-8")


def test_every_block_is_in_the_page_of_newsletters() -> None:
    page = (ROOT / "docs/newsletters.md").read_text(encoding="utf-8")
    for block in registry().blocks.values():
        row = re.search(rf"^\| `{block.name}` \|.*$", page, re.MULTILINE)
        assert row, block.name
        assert [name for name in block.attributes if name not in row[0]] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_relative_link_and_picture_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_newsletter_in_the_page_of_newsletters_compiles_and_passes_its_checks(tmp_path: Path) -> None:
    page = (ROOT / "docs/newsletters.md").read_text(encoding="utf-8")
    example = re.search(r"^```markdown\n(---\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert example
    file = tmp_path / "may.md"
    file.write_text(example[1], encoding="utf-8")
    compilation = compile_languages(file, lambda name, folder: find_toolkit(name, folder, None)).first
    assert [finding for finding in run_checks(compilation) if finding.severity == "error"] == []


def test_no_example_of_a_newsletter_names_a_weekday_that_is_right_in_one_year_only() -> None:
    page = (ROOT / "docs/newsletters.md").read_text(encoding="utf-8")
    texts = [page, *(block.example for block in registry().blocks.values())]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("templates/email/starters/*")]
    texts += [path.read_text(encoding="utf-8") for path in ROOT.glob("newsletters/toolkits/shipped/*/copy/*.md")]
    days = [date(year, 1, 1) for year in (2026, 2027)]
    assert [each.words for text in texts for day in days for each in mismatched(text, day)] == []


def test_the_two_languages_in_the_page_of_newsletters_say_the_same(tmp_path: Path) -> None:
    page = (ROOT / "docs/newsletters.md").read_text(encoding="utf-8")
    examples = re.findall(r"`(fair[.a-z]*)`:\n\n```markdown\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for name, text in examples:
        (tmp_path / name).write_text(text, encoding="utf-8")
    languages = compile_languages(tmp_path / "fair.md", lambda name, folder: find_toolkit(name, folder, None))
    assert set(languages.compilations) == {"en", "cy"}
    found = [finding for finding in check_languages(languages) if finding.code.startswith("translations-")]
    assert found == []
    assert [finding for finding in check_languages(languages) if finding.severity == "error"] == []


def test_the_page_of_checks_is_what_their_codes_say() -> None:
    assert (ROOT / "docs/checks.md").read_text(encoding="utf-8") == checks_page(), "python -m newsletters.checks"


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = [re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]]
    assert [name for name in names if not re.search(rf"^\| (.*, )?{name}(, .*)? \|", page, re.MULTILINE)] == []


def test_the_architecture_draws_every_folder_of_the_product() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(ROOT).as_posix() for place in PRODUCT for path in (ROOT / place).rglob("*.py")}
    drawn = {folder for folder in folders if f"| `{folder}/`" in page}
    assert folders - drawn - {"newsletters/packs/dialects", "daisychain/migrations/versions", "sender"} == set()


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_reading_order_has_forty_files() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    order = page.partition("## Reading order")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\| `", order, re.MULTILINE)) == 40
