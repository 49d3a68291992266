"""Add, move, delete and replace pieces, also within containers and conditions; each returns the whole new text.

A path leads to a piece: `(3,)` is the fourth, `(3, "items", 0)` the first item in it, `(5, "then", 1)` the second
piece that a condition wraps. The front matter is the first piece of a newsletter that has one, and stays the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from daisychain.errors import InputError
from newsletters.compose.blocks import registry
from newsletters.pieces.outline import SourcePiece, cut, cut_body, split_lines
from newsletters.pieces.regions import Region, RegionName, regions_of

Path = Sequence[int | RegionName]

_Edit = Callable[[Sequence[SourcePiece], int], str]


def pieces_in(text: str, path: Path = ()) -> tuple[SourcePiece, ...]:
    """Return the pieces of a text, or of a region if the path ends with its name; raises InputError."""
    pieces = cut(text)
    for at in range(0, len(path), 2):
        piece = _at(pieces, path[at])
        region = _region(piece, path[at + 1] if at + 1 < len(path) else None)
        pieces = cut_body(region.text(piece), region.line)
    return pieces


def piece_of(text: str, path: Path) -> SourcePiece:
    """Return the piece at `path`; raises InputError."""
    return _at(pieces_in(text, path[:-1]), path[-1])


def add(text: str, path: Path, source: str) -> str:
    """Return the text with a new piece before the one at `path`, or at the end; raises InputError."""

    def edit(pieces: Sequence[SourcePiece], at: int) -> str:
        _refuse_open(source)
        if not _first_place(pieces) <= at <= len(pieces):
            raise InputError("There is no such place for a piece.", hint="Load the newsletter again.")
        numbered = _numbered(pieces)
        return _arranged([*numbered[:at], (None, source), *numbered[at:]], text)

    return _edited(text, path, edit)


def delete(text: str, path: Path) -> str:
    """Return the text without the piece at `path`; raises InputError, also for the front matter."""

    def edit(pieces: Sequence[SourcePiece], at: int) -> str:
        if _at(pieces, at).kind == "head":
            raise InputError("A newsletter needs its front matter.")
        numbered = _numbered(pieces)
        return _arranged([*numbered[:at], *numbered[at + 1 :]], text)

    return _edited(text, path, edit)


def move(text: str, path: Path, to: int) -> str:
    """Return the text with the piece at `path` in the place `to` among its neighbours; raises InputError."""

    def edit(pieces: Sequence[SourcePiece], at: int) -> str:
        piece, first = _at(pieces, at), _first_place(pieces)
        if not (piece.closed and first <= at and first <= to < len(pieces)):
            raise InputError("This piece can't be moved there.", hint="Close it first, or choose another place.")
        numbered = _numbered(pieces)
        others = [*numbered[:at], *numbered[at + 1 :]]
        return _arranged([*others[:to], numbered[at], *others[to:]], text)

    return _edited(text, path, edit)


def relocate(text: str, path: Path, to: Path) -> tuple[str, Path]:
    """Return the text with the piece at `path` before the one at `to`, in any list, and its new path.

    Raises InputError. Texts that meet become one piece, so a list may grow or shrink by another number than one.
    """
    region, before, piece, old = [*to[:-1]], _number(to[-1]), piece_of(text, path), [*path]
    if region == old[:-1]:
        made = move(text, path, before - (before > _number(path[-1])))
        return made, _nearest(made, region, before, piece.source)
    if not piece.closed or piece.kind == "head" or region[: len(old)] == old:
        raise InputError("This piece can't be moved there.", hint="Close it first, or choose another place.")
    added = add(text, to, piece.source)
    level = len(region)
    if old[:level] == region and _number(old[level]) >= before:
        old[level] = _number(old[level]) + len(pieces_in(added, region)) - len(pieces_in(text, region))
    made = delete(added, old)
    level = len(old) - 1
    if region[:level] == old[:-1] and len(region) > level and _number(region[level]) > _number(old[-1]):
        region[level] = _number(region[level]) - len(pieces_in(added, old[:-1])) + len(pieces_in(made, old[:-1]))
    return made, _nearest(made, region, before, piece.source)


def insert(text: str, path: Path, source: str) -> tuple[str, Path]:
    """Return the text with a new piece as `add` does, and its path; raises InputError."""
    made = add(text, path, source)
    return made, _nearest(made, path[:-1], _number(path[-1]), source)


def _nearest(text: str, region: Path, at: int, source: str) -> Path:
    """Return the path of the piece with a source, in which there may be more, that is nearest to a place."""
    pieces = pieces_in(text, region)
    same = [number for number, each in enumerate(pieces) if source.strip() in each.source]
    nearest: int = min(same or [len(pieces) - 1], key=lambda each: abs(each - at))
    return (*region, nearest)


def _number(part: object) -> int:
    if not isinstance(part, int):
        raise _no_piece()
    return part


def replace_piece(text: str, path: Path, source: str) -> str:
    """Return the text with another source for the piece at `path`; raises InputError if it would take in others."""

    def edit(pieces: Sequence[SourcePiece], at: int) -> str:
        if _at(pieces, at).kind != "head":
            _refuse_open(source)
        elif [piece.kind for piece in cut(source)] != ["head"]:
            raise InputError("The front matter begins and ends with a line of ---.")
        numbered = _numbered(pieces)
        return _arranged([*numbered[:at], (None, source), *numbered[at + 1 :]], text)

    return _edited(text, path, edit)


def _edited(text: str, path: Path, edit: _Edit, *, inside: bool = False) -> str:
    pieces, at = cut_body(text) if inside else cut(text), path[0]
    if len(path) == 1 and isinstance(at, int):
        return edit(pieces, at)
    piece = _at(pieces, at)
    region = _region(piece, path[1] if len(path) > 2 else None)
    inner = _edited(region.text(piece), path[2:], edit, inside=True)
    source = region.with_text(piece, inner)
    _check_inside(piece, region, inner, source)
    return "".join(source if each is piece else each.source for each in pieces)


def _check_inside(piece: SourcePiece, region: Region, inner: str, source: str) -> None:
    """Raise InputError if a new inside ends what is around it, or a container can't hold it."""
    again = cut_body(source)
    now = next((each for each in regions_of(again[0]) if each.name == region.name), None) if len(again) == 1 else None
    if now is None or now.text(again[0]).rstrip() != inner.rstrip():
        raise InputError("This would end the piece around it.", hint="Take out the line of ::: or {% %}.")
    block = registry().blocks.get(piece.name) if region.name == "items" else None
    items = [each for each in cut_body(inner) if each.kind != "condition"]
    if block and any(each.name not in block.holds for each in items):
        raise InputError(f"{block.name} holds {' or '.join(block.holds)} blocks, and nothing else.")
    if block and block.most and len(items) > block.most:
        raise InputError(f"{block.name} has room for {block.most}, not {len(items)}.", hint="Begin another.")


def _refuse_open(source: str) -> None:
    """Raise InputError for source that would take in what comes after it."""
    pieces = cut_body(source)
    if pieces and not pieces[-1].closed:
        name = f"The block {pieces[-1].name!r}" if pieces[-1].kind == "block" else "This piece"
        raise InputError(f"{name} is not closed.", hint="Put a line of ::: or {% endif %} after its text.")


def _numbered(pieces: Sequence[SourcePiece]) -> list[tuple[int | None, str]]:
    return [(number, piece.source) for number, piece in enumerate(pieces)]


def _arranged(parts: Sequence[tuple[int | None, str]], text: str) -> str:
    """Join sources with their old numbers; between those that were no neighbours, paragraphs are kept apart.

    Directives that follow each other, as the items of a container do, need no empty line.
    """
    ends = "\r\n" if "\r\n" in text else "\n"
    written, before = "", None
    for number, source in parts:
        if written and source and (before is None or number != before + 1):
            written += "" if written.endswith(("\n", "\r")) else ends
            last = split_lines(written)[-1]
            if last.strip() and not (last.lstrip().startswith(":::") and source.lstrip().startswith(":::")):
                written += ends
        written += source
        before = number if source else before
    return written


def _first_place(pieces: Sequence[SourcePiece]) -> int:
    return int(bool(pieces) and pieces[0].kind == "head")


def _at(pieces: Sequence[SourcePiece], at: object) -> SourcePiece:
    if not isinstance(at, int) or not 0 <= at < len(pieces):
        raise _no_piece()
    return pieces[at]


def _region(piece: SourcePiece, name: object) -> Region:
    found = next((region for region in regions_of(piece) if region.name == name), None)
    if found is None:
        raise _no_piece()
    return found


def _no_piece() -> InputError:
    return InputError("There is no such piece.", hint="Load the newsletter again.")
