"""Lay a table out for a terminal: in columns if it fits, else a block of lines for each row. Nothing is ever cut.

A line breaks at spaces only, and never within `backticks`: codes, addresses, commands and URLs can be copied whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len

_GAP = "  "
# A cell that is broken over more lines than these reads badly, but for prose in the last column.
_MOST_LINES = 3
_PROSE = 30
_PIECE = re.compile(r"(?:`[^`]*`|\S)+")
# A number as people write it, or a cell left empty beside numbers.
_NUMBER = re.compile(r"([\d,.]+( %)?)?")

Rows = Sequence[Sequence[str]]


def table_lines(columns: Sequence[str], rows: Rows, width: int | None) -> Iterator[str]:
    """Return the lines of a table; `width` is None if there is no limit, as in a pipe."""
    widths = _widths(columns, rows)
    if width and _total(widths) > width:
        if rows and (empty := [place for place in range(len(columns)) if not any(row[place] for row in rows)]):
            without = [[cell for place, cell in enumerate(row) if place not in empty] for row in (columns, *rows)]
            return table_lines(without[0], without[1:], width)
        narrowest = _narrowest(columns, rows, widths)
        if _total(narrowest) > width:
            return _blocks(columns, rows, width)
        while _total(widths) > width:
            spare = [size if size > least else 0 for size, least in zip(widths, narrowest, strict=True)]
            widths[spare.index(max(spare))] -= 1
    broken = [[wrapped(cell, size) for cell, size in zip(row, widths, strict=True)] for row in (columns, *rows)]
    return _in_columns(broken[0], broken[1:])


def _widths(columns: Sequence[str], rows: Rows) -> list[int]:
    return [
        max(cell_len(line) for cell in cells for line in cell.split("\n")) for cells in zip(columns, *rows, strict=True)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _narrowest(columns: Sequence[str], rows: Rows, widths: Sequence[int]) -> list[int]:
    """Return how narrow each column may become: as its longest piece, and no cell too tall."""
    least = [-(-size // _MOST_LINES) for size in widths[:-1]] + [min(widths[-1], _PROSE)]
    longest = [
        max(cell_len(piece) for cell in cells for piece in _PIECE.findall(cell) or [""])
        for cells in zip(columns, *rows, strict=True)
    ]
    return list(map(max, least, longest))


def wrapped(text: str, width: int) -> str:
    """Return `text` with its lines broken at spaces to fit `width`; what can't be broken may be longer."""
    return "\n".join(line for paragraph in text.split("\n") for line in _broken(paragraph, width))


def _broken(paragraph: str, width: int) -> Iterator[str]:
    if cell_len(paragraph) <= width:
        yield paragraph
        return
    line = ""
    for piece in _PIECE.findall(paragraph):
        if line and cell_len(line) + 1 + cell_len(piece) > width:
            yield line
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    yield line


def _in_columns(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    widths = _widths(columns, rows)
    right = [bool(rows) and all(_NUMBER.fullmatch(row[place]) for row in rows) for place in range(len(columns))]
    rule = ["-" * size for size in widths]
    for row in (columns, rule, *rows) if any(columns) else rows:
        for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue=""):
            yield _line(line, widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, to_the_right in zip(cells, widths, right, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(space + cell if to_the_right else cell + space)
    return _GAP.join(padded).rstrip()


def _blocks(columns: Sequence[str], rows: Rows, width: int) -> Iterator[str]:
    """A line for each cell that is not empty; a first column without a name gives the block its heading."""
    label = max(map(cell_len, columns))
    for number, row in enumerate(rows):
        if number:
            yield ""
        for index, (name, cell) in enumerate(zip(columns, row, strict=True)):
            if cell and not name and index == 0:
                yield cell
            elif cell:
                head = ("" if columns[0] else _GAP) + name + " " * (label - cell_len(name) + len(_GAP))
                lines = wrapped(cell, width - cell_len(head)).split("\n")
                yield from (f"{head}{line}" if not place else " " * cell_len(head) + line
                            for place, line in enumerate(lines))  # fmt: skip
