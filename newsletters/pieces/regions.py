"""Regions: the inside of a piece, which is cut into pieces like a newsletter's body: a block's body, two branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsletters.compose.blocks import registry
from newsletters.pieces.outline import SourcePiece, split_lines, tagged_lines

# `items` are the blocks that a container holds; `then` and `otherwise` the branches of a condition.
RegionName = Literal["items", "body", "then", "otherwise"]


@dataclass(frozen=True)
class Region:
    """The inside of a piece by its place in the source, and its first line as counted in the newsletter."""

    name: RegionName
    start: int
    end: int
    line: int

    def text(self, piece: SourcePiece) -> str:
        """Return what is inside."""
        return piece.source[self.start : self.end]

    def with_text(self, piece: SourcePiece, text: str) -> str:
        """Return the piece's source with another inside, which ends its last line."""
        ends = "\r\n" if "\r\n" in piece.source else "\n"
        text += ends if text and not text.endswith(("\n", "\r")) else ""
        return piece.source[: self.start] + text + piece.source[self.end :]


def regions_of(piece: SourcePiece) -> tuple[Region, ...]:
    """Return the regions of a piece; none if it holds nothing, or can't be read."""
    if piece.kind == "condition" and piece.closed:
        return _branches(piece)
    block = registry().blocks.get(piece.name) if piece.kind == "block" and piece.closed else None
    if block is None or block.body == "none":
        return ()
    lines = split_lines(piece.source)
    filled = [at for at, line in enumerate(lines) if line.strip()]
    return (_region("items" if block.holds else "body", piece, lines, filled[0] + 1, filled[-1]),)


def first_line(piece: SourcePiece) -> tuple[int, str]:
    """Return where the first line that is not empty begins in a piece's source, and the line."""
    lines = split_lines(piece.source)
    at = next((at for at, line in enumerate(lines) if line.strip()), 0)
    return sum(map(len, lines[:at])), lines[at]


def _branches(piece: SourcePiece) -> tuple[Region, ...]:
    """Return a condition's branches, if it is one `if` with at most an `else`, each tag on a line of its own."""
    lines = split_lines(piece.source)
    marks: list[tuple[int, str]] = []
    depth = 0
    for at, (_, bare, names, _) in enumerate(tagged_lines(piece.source)):
        for name in names:
            edge = depth == (0 if name == "if" else 1) and name in ("if", "elif", "else", "endif")
            depth += (name == "if") - (name == "endif")
            if edge and (name == "elif" or bare.strip() or len(names) > 1):
                return ()
            marks += [(at, name)] if edge else []
    kinds = [kind for _, kind in marks]
    if kinds not in (["if", "endif"], ["if", "else", "endif"]):
        return ()
    names_of: tuple[RegionName, ...] = ("then", "otherwise")
    return tuple(
        _region(name, piece, lines, marks[at][0] + 1, marks[at + 1][0])
        for at, name in enumerate(names_of[: len(marks) - 1])
    )


def _region(name: RegionName, piece: SourcePiece, lines: list[str], begin: int, end: int) -> Region:
    start = sum(map(len, lines[:begin]))
    return Region(name, start, start + sum(map(len, lines[begin:end])), piece.line + begin)
