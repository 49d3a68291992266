"""Steps of the editor: what was typed into forms, and what a button does, each as a new text and a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from daisychain.errors import InputError
from newsletters.pieces.forms import write_form
from newsletters.pieces.new_pieces import WORDS, new_piece
from newsletters.pieces.operations import Path, delete, insert, piece_of, pieces_in, relocate, replace_piece
from newsletters.pieces.outline import SourcePiece, same_line_ends
from newsletters.pieces.sentences import Sentence, new_condition
from newsletters.pieces.tree import label_piece, listed, read_path, walked, written_path
from newsletters.pieces.values import FieldError

# Fields of a form have names such as `3.items.0:title`; a piece that has no form is `3:source`.
_FIELD_NAME = re.compile(r"(\d+(?:\.[a-z]+\.\d+)*):([a-z_]+)")
SOURCE = "source"
_END_IF = re.compile(r"^[ \t]*\{%[-+]?\s*endif", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A text after a step, what was done, and where the piece is now that it was done to."""

    text: str
    said: str
    path: Path


def write_typed(text: str, typed: Mapping[str, str], refuse: Callable[[str, InputError], None]) -> str:
    """Return the text with everything that was typed into the forms of its pieces.

    What can't be written is handed to `refuse`, with the name of its field, and left as it was.
    """
    fields: dict[Path, dict[str, str]] = {}
    shown = {each.at: each.form for each in walked(listed(text))}
    for name, value in typed.items():
        found = _FIELD_NAME.fullmatch(name)
        form = shown.get(found[1]) if found else None
        if found and not any(each.name == found[2] and each.shows(value) for each in (form.fields if form else ())):
            fields.setdefault(tuple(read_path(found[1])), {})[found[2]] = value
    # From the last to the first, and what is inside first: no path moves before it is used.
    for path in sorted(fields, key=_order, reverse=True):
        try:
            text = _written(text, path, fields[path])
        except InputError as error:
            field = error.field if isinstance(error, FieldError) else next(iter(fields[path]))
            refuse(f"{written_path(path)}:{field}", error)
    return text


def take_step(text: str, what: str, suggested: Mapping[str, Sequence[str]]) -> Step:
    """Return the text after what a button does: `up 3`, `move 3 to 5.then.0`, `add 4 copy welcome`.

    Raises InputError.
    """
    verb, at, *rest = [*what.split(" "), ""]
    path, rest = read_path(at), rest[:-1]
    if verb == "add":
        return _added(text, path, new_piece(rest[0] if rest else "", " ".join(rest[1:]), suggested), "added")
    piece = piece_of(text, path)
    steps: Mapping[str, Callable[[], Step]] = {
        "up": lambda: _moved(text, path, _beside(path, -1)),
        "down": lambda: _moved(text, path, _beside(path, 2)),
        "move": lambda: _moved(text, path, read_path(rest[-1] if rest else "")),
        "copy": lambda: _added(text, _beside(path, 1), piece.source, "copied"),
        "delete": lambda: Step(delete(text, path), f"{label_piece(piece)} deleted", path),
        "some": lambda: _wrapped(text, path, piece),
        "else": lambda: _with_else(text, path, piece),
    }
    if verb not in steps:
        raise InputError("There is no such step.", hint="Load the newsletter again.")
    return steps[verb]()


def _written(text: str, path: Path, values: Mapping[str, str]) -> str:
    piece = piece_of(text, path)
    source = same_line_ends(values[SOURCE], piece.source) if SOURCE in values else write_form(piece, values)
    return text if source.rstrip() == piece.source.rstrip() else replace_piece(text, path, source)


def _order(path: Path) -> list[int]:
    # A condition's branches in their order; a piece before what it holds.
    return [-1 if part == "then" else 0 if isinstance(part, str) else part for part in path]


def _beside(path: Path, by: int) -> Path:
    return (*path[:-1], path[-1] + by)  # type: ignore[operator]


def _moved(text: str, path: Path, to: Path) -> Step:
    label = label_piece(piece_of(text, path))
    made, there = relocate(text, path, to)
    pieces, at = pieces_in(made, there[:-1]), int(there[-1])
    before = f"before {label_piece(pieces[at + 1])}" if at + 1 < len(pieces) else "to the end"
    first = int(pieces[0].kind == "head")
    return Step(made, f"{label} moved {before}, {at + 1 - first} of {len(pieces) - first}", there)


def _added(text: str, path: Path, source: str, how: str) -> Step:
    made, there = insert(text, path, source)
    return Step(made, f"{label_piece(piece_of(made, there))} {how}", there)


def _wrapped(text: str, path: Path, piece: SourcePiece) -> Step:
    source = new_condition(Sentence("first_name", "known"), piece.source)
    return Step(replace_piece(text, path, source), f"{label_piece(piece)} is only for some now", path)


def _with_else(text: str, path: Path, piece: SourcePiece) -> Step:
    ends = [found.start() for found in _END_IF.finditer(piece.source)]
    if piece.kind != "condition" or not ends:
        raise InputError("There is no such piece.", hint="Load the newsletter again.")
    source = f"{piece.source[: ends[-1]]}{{% else %}}\n{WORDS}{piece.source[ends[-1] :]}"
    return Step(replace_piece(text, path, source), "Added what the others see", (*path, "otherwise", 0))
