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


def guard(cell: str) -> str:
    """`cell` as no spreadsheet will run it; `unguard` gives back what it was."""
    return "'" + cell if _RISKY.match(cell) else cell


def unguard(cell: str) -> str:
    """`cell` without the apostrophe that `guard` put there."""
    return cell[1:] if _GUARDED.match(cell) else cell


def guarded(row: Iterable[str]) -> list[str]:
    """All cells of `row`, guarded."""
    return [guard(cell) for cell in row]
