"""A sheet: a heading and rows of text, in whatever kind of file.

A row that can't be read comes with its problem, and reading goes on with the next line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from daisychain.errors import InputError

MOST_COLUMNS = 200
_MOST_ABOVE = 20  # rows in which a heading is looked for

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
        self.sheets: list[str] = []  # of a workbook, the one that is read first
        self.size = path.stat().st_size
        self.header_line = 1
        self._rows_above = 0
        self._binary = binary

    @property
    def position(self) -> int:
        """Count the bytes of the file that have been read."""
        return self._binary.tell()

    @abstractmethod
    def records(self) -> Iterator[Row]:
        """Read every row from the top, the heading and blank ones too."""

    def find_header(self, is_header: Callable[[list[str]], bool]) -> None:
        """Take a line below the first for the heading if `is_header` says so, as under a title; else leave it."""
        widest = 0
        for above, (line, cells, problem) in enumerate(islice(self._filled(), _MOST_ABOVE)):
            filled = sum(map(bool, map(str.strip, cells)))
            if not problem and is_header(cells) and not any("@" in cell for cell in cells):
                if above and (filled > widest or filled == 1):
                    self._rows_above = above
                    self.note = f"{self.note} The headings are on line {line}; the lines above are left out.".strip()
                return
            widest = max(widest, filled)

    def _filled(self) -> Iterator[Row]:
        return (row for row in self.records() if any(row[1]))

    @cached_property
    def header(self) -> list[str]:
        """The cells of the first row that is not blank, or that find_header found; raises InputError."""
        line, cells, problem = next(islice(self._filled(), self._rows_above, None), (None, [], ""))
        self.header_line = line or 1
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
        # JSON and text of a database have no NUL.
        return [cell.replace("\0", "").strip() for cell in (cells if len(cells) <= MOST_COLUMNS else cells[:width])]

    def rows(self, *, with_header: bool = False, trim: bool = True) -> Iterator[Row]:
        """Read every row below the heading that is not blank; raises InputError.

        Short rows are filled. With `trim`, empty cells beyond the heading are dropped; without, they are a problem.
        """
        width = len(self.header)
        for row in islice(self._filled(), self._rows_above + (not with_header), None):
            yield row if row[2] or len(row[1]) == width else _fitted(row, width, trim)


def _fitted(row: Row, width: int, trim: bool) -> Row:
    """Return a row in the heading's width, or with the problem that it is longer."""
    line, cells, problem = row
    if len(cells) < width:
        cells += [""] * (width - len(cells))
    elif trim and not any(map(str.strip, cells[width:])):
        del cells[width:]
    else:
        hint = " (a cell with a comma or semicolon needs quotation marks)"
        problem = f"cells: {len(cells)} where the heading has {width}{hint}"
    return line, cells, problem
