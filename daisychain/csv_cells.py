"""Cells of a CSV that a spreadsheet will open.

What could be taken for a formula gets an apostrophe in front, and loses it on the way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Spreadsheets run a cell that starts with one of these (OWASP, "CSV injection"); some run the wide signs, too.
_STARTS = r"[=+\-@\t\r\n＝＋－＠]"
_RISKY = re.compile(f"'*{_STARTS}")
_GUARDED = re.compile(f"'+{_STARTS}")
# What some programs write so that a spreadsheet keeps the zeros of 00123.
_FORMULA_TEXT = re.compile('="([^"]*)"')


def guard(cell: str) -> str:
    """`cell` as no spreadsheet will run it; `unguard` gives back what it was."""
    return "'" + cell if _RISKY.match(cell) else cell


def unguard(cell: str) -> str:
    """Return `cell` without the apostrophe that `guard` put there, and the text of a formula that is only a text."""
    if found := _FORMULA_TEXT.fullmatch(cell):
        return found[1]
    return cell[1:] if _GUARDED.match(cell) else cell


def guarded(row: Iterable[str]) -> list[str]:
    """All cells of `row`, guarded."""
    return [guard(cell) for cell in row]
