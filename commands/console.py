"""Shared parts of all commands: the installation, groups that import a command when it is called, tables and messages.

stdout carries only the answer; progress, warnings and errors go to stderr. Every answer comes as a table for people or
as JSON for scripts.
"""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.table_layout import table_lines, wrapped
from daisychain import clock
from daisychain.errors import ConfigurationError, DaisychainError
from daisychain.installation import Installation
from daisychain.terminal_text import CONTROLS, printable

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.progress import Progress


Command = Callable[..., None]

pass_installation = click.make_pass_decorator(Installation)


class LazyGroup(click.Group):
    """A click group whose commands are imported only when they are called.

    `lazy` maps a command's name to ("module:attribute", "short help"). Help for the group needs no import.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.lazy and cmd_name not in self.commands:
            module, _, attribute = self.lazy[cmd_name][0].partition(":")
            self.add_command(getattr(importlib.import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in self.lazy:
                rows.append((name, self.lazy[name][1]))
            elif (command := self.get_command(ctx, name)) and not command.hidden:
                rows.append((name, command.get_short_help_str(80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print our errors as a message on stderr and end with exit code 1; bugs keep their traceback."""
    try:
        yield
    except (DaisychainError, ConfigurationError) as error:
        click.secho(f"Error: {printable(str(error))}", err=True, fg="red")
        sys.exit(1)


def examples(*commands: str) -> Callable[[Command], Command]:
    """Add command lines, without their leading `daisychain`, to a command's help."""

    def added(command: Command) -> Command:
        lines = "".join(f"  daisychain {each}\n" for each in commands)
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n\b\nExamples:\n{lines}"
        return command

    return added


def runs(*commands: str) -> Callable[[Command], Command]:
    """Give a command the installation, and its help these examples."""
    return lambda command: pass_installation(examples(*commands)(command))


def answers(*commands: str) -> Callable[[Command], Command]:
    """Give a command the installation, the choice of a table or JSON as `format_`, and its help these examples."""
    return lambda command: format_option(runs(*commands)(command))


format_option = click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="A table for people, or JSON for scripts.",
)  # fmt: skip


def sheet_options(command: Command) -> Command:
    """Add --encoding and --sheet to a command."""
    encoding = click.option("--encoding", help="Of a CSV that is not UTF-8, if it can't be guessed; often cp1252.")
    sheet = click.option("--sheet", metavar="NAME", help="Which sheet of a workbook; by default the first with cells.")
    return encoding(sheet(command))


# A file of many rows may be wanted for a spreadsheet, too.
csv_format_option = click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True,
    help="A table for people, JSON for scripts, or CSV for spreadsheets.",
)  # fmt: skip


def emit(answer: Any, format_: str, table: Callable[[], None] | str) -> None:
    """Print `answer` on stdout as JSON, or `table` for people: a line, or what is called to show it."""
    if format_ == "json":
        written = json.dumps(answer, indent=2, ensure_ascii=False, default=_plain)
        click.echo(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", written))
    elif isinstance(table, str):
        show_line(table)
    else:
        table()


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table and an empty line on stdout; if the terminal is too narrow, a block of lines for each row."""
    if title:
        click.echo(f"{printable(title)}\n")
    for line in table_lines([printable(name) for name in columns], [[*map(_shown, row)] for row in rows], _width()):
        click.echo(line)
    click.echo()


def show_text(text: str, *, indent: str = "", hanging: str = "") -> None:
    """Print prose on stdout, broken at spaces; its first line begins with `indent`, the others with `hanging` too."""
    width = _width()
    lines = wrapped(printable(text), width - len(indent + hanging)) if width else printable(text)
    click.echo(indent + lines.replace("\n", f"\n{indent}{hanging}"))


def _width() -> int | None:
    """Return the terminal's width; a pipe has none, so that a script's grep finds whole lines."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def progress() -> Generator[Progress, None, None]:
    """Show a progress bar on stderr; nothing if stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        yield bar


def show_line(line: str, *, bold: bool = False) -> None:
    """Print one line of an answer for people on stdout."""
    click.echo(click.style(printable(line), bold=True) if bold else printable(line))


def say(message: str) -> None:
    """Print one line for the person at the terminal on stderr."""
    click.echo(printable(message), err=True)


def say_unknown(fields: Iterable[str]) -> None:
    """Say which fields of a newsletter are taken as empty because no list was named that has them."""
    if named := ", ".join(f"member.{name}" for name in sorted(fields)):
        say(f"Empty here, as these fields are unknown: {named}. Correct them, or name them under `fields:`.")


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    if isinstance(cell, datetime):
        return clock.shown(cell)
    return printable(str(cell))


def _plain(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
