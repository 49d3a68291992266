"""Options of every command that reads a CSV or a workbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def sheet_options(command: F) -> F:
    """Add --encoding and --sheet to a command."""
    encoding = click.option("--encoding", help="Of a CSV that is not UTF-8, if it can't be guessed; often cp1252.")
    sheet = click.option("--sheet", metavar="NAME", help="Which sheet of a workbook; by default the first with cells.")
    return encoding(sheet(command))
