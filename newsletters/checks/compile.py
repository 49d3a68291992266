"""Compile: mistakes that stop a document from becoming an email, reported all together, each with its line."""

from __future__ import annotations

from daisychain.errors import InputError
from newsletters.checks.finding import Code, Finding

ERROR = Code(
    "compile-error", "error", "A field, block, picture, copy block or line that can't be used",
    why="The newsletter can't be made.", fix="Correct the line; the message says what it can be.", firm=True,
)  # fmt: skip


def finding(error: InputError) -> Finding:
    """Return a mistake found while compiling as a finding."""
    return ERROR.at(error.place, error.message, fix=error.hint)
