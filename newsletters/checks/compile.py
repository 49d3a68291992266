"""Compile: what keeps a document from becoming an email at all, told with its line, all mistakes in one go."""

from __future__ import annotations

from daisychain.errors import InputError
from newsletters.checks.finding import Code, Finding

ERROR = Code(
    "compile-error", "error", "A field, block, picture, copy block or line that can't be used",
    why="The newsletter can't be made as it stands.",
    mend="Correct the line; the message says what is known there.",
    firm=True,
)  # fmt: skip


def finding(error: InputError) -> Finding:
    """What went wrong while compiling, as a finding."""
    return ERROR.at(error.place, error.message, mend=error.hint)
