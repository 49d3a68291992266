"""A sheet: a heading and rows of text, in whatever kind of file.

A row that can't be read comes with its problem, and reading goes on with the next line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from daisychain.errors import InputError

MOST_COLUMNS = 200

Row = tuple[int, list[str], str]
"""The line a row starts on (from 1), its cells as they are, and why they can't be used; mostly that is empty.

A plain tuple, because a million named ones cost a second.
"""


class Sheet(ABC):
    """An open sheet, whose rows can be read more than once; `note` says what was chosen for the person."""

    def __init__(self, path: Path, binary: BinaryIO, note: str) -> None:
        self.path = path
        self.encoding = ""
        self.note = note
        self.size = path.stat().st_size
        self._binary = binary

    @property
    def position(self) -> int:
        """Count the bytes of the file that have been read."""
        return self._binary.tell()

    @abstractmethod
    def records(self) -> Iterator[Row]:
        """Read every row from the top, the heading and blank ones too."""

    @cached_property
    def header(self) -> list[str]:
        """The cells of the first row that is not blank; raises InputError."""
        line, cells, problem = next((row for row in self.records() if any(row[1])), (None, [], ""))
        # Spreadsheets may write all the columns that they can have.
        width = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
        if not width:
            problem = "The file is empty."
        elif problem:
            problem = f"The heading can't be read ({problem})."
        elif width > MOST_COLUMNS:
            problem = f"The sheet has more than {MOST_COLUMNS} columns."
        if problem:
            raise InputError(problem, file=self.path, line=line)
        return [cell.strip() for cell in (cells if len(cells) <= MOST_COLUMNS else cells[:width])]

    def rows(self, *, with_header: bool = False, pad: bool = False) -> Iterator[Row]:
        """Read every row below the heading that is not blank; raises InputError.

        Empty cells beyond the heading are dropped. With `pad`, short rows are filled instead, and those refused.
        """
        width = len(self.header)
        records = self.records()
        if not with_header:
            next(row for row in records if any(row[1]))
        for row in records:
            _, cells, problem = row
            if problem:
                yield row
            elif any(cells):
                yield row if len(cells) == width else _fitted(row, width, pad)


def _fitted(row: Row, width: int, pad: bool) -> Row:
    """Return a row in the heading's width, or with the problem that it has another."""
    line, cells, problem = row
    if pad:
        cells += [""] * (width - len(cells))
    elif not any(cells[width:]):
        del cells[width:]
    if len(cells) != width:
        hint = " (a cell with a comma or semicolon needs quotation marks)" if len(cells) > width else ""
        problem = f"cells: {len(cells)} where the heading has {width}{hint}"
    return line, cells, problem
