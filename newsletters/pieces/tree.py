"""The pieces of a newsletter as the editor lists them: with labels, first words, forms, and what each holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletters.compose.blocks import registry
from newsletters.pieces.forms import PieceForm, form_of
from newsletters.pieces.operations import Path
from newsletters.pieces.outline import SourcePiece, cut, cut_body
from newsletters.pieces.regions import Region, RegionName, regions_of
from newsletters.pieces.sentences import label_of, sentence_of
from newsletters.pieces.values import parts

_KINDS = {"head": "Subject, preheader, sender", "words": "Text", "condition": "Only for some", "unknown": "Source"}
_INSIDE: dict[RegionName, str] = {"items": "Items", "body": "Inside", "then": "They see", "otherwise": "The others see"}
_FIELD = re.compile(r"""\{\{\s*member\.(\w+)\s*(?:(?:or\s*|\|\s*default\()["']([^"']*)["']\)?\s*)?\}\}""")
# Signs of Markdown, and lines of directives, which are no words.
_MARKS = re.compile(
    r"(?m)^[^\S\n]*(?:#+|[-*+>]|\d+\.)\s+|[*_`\\]+|!?\[|\]\((?:(?!\]\()[^)])*+\)|\]|^[|: -]+$|^:::.*|<[^<>]*>"
)
_SHOWN_WORDS = 110
# Of a path: pieces within the fourth level are shown as source.
_DEEPEST = 7


@dataclass(frozen=True)
class ListedRegion:
    """The inside of a piece, as a list of its own; `offered` are the only blocks that it takes, if it names some.

    `room` is how many more it takes, of `most`; None if any number.
    """

    path: Path
    label: str
    pieces: tuple[ListedPiece, ...]
    offered: tuple[str, ...] = ()
    most: int = 0
    room: int | None = None


@dataclass(frozen=True)
class ListedPiece:
    """A piece with its path, its form (None: its source is shown), its first words, and what it holds.

    Each of the `words` is a text, with whether it is the name of a member's field.
    """

    path: Path
    label: str
    piece: SourcePiece
    form: PieceForm | None
    words: tuple[tuple[str, bool], ...]
    inside: tuple[ListedRegion, ...] = ()

    @property
    def at(self) -> str:
        """Return the path as forms and addresses have it: `3.items.0`."""
        return written_path(self.path)

    @property
    def named(self) -> str:
        """Return its label with its number in the newsletter, if it is not in another piece."""
        return f"{self.path[0]} {self.label}" if len(self.path) == 1 and self.piece.kind != "head" else self.label

    @property
    def pictures(self) -> list[str]:
        """Return the names of its pictures."""
        return [field.value for field in self.form.fields if field.kind == "image" and field.value] if self.form else []


def written_path(path: Path) -> str:
    """Return a path as text."""
    return ".".join(map(str, path))


def read_path(text: str) -> Path:
    """Return the path that a text names; nothing is at an unknown one."""
    return tuple(int(part) if part.isdecimal() and len(part) < 9 else part for part in text.split("."))  # type: ignore[misc]


def listed(text: str) -> tuple[ListedPiece, ...]:
    """Return the pieces of a whole newsletter, in its order."""
    return tuple(_listed(piece, (at,), ()) for at, piece in enumerate(cut(text)))


def walked(pieces: Sequence[ListedPiece]) -> Iterator[ListedPiece]:
    """Yield each piece, and after it what it holds."""
    for piece in pieces:
        yield piece
        for region in piece.inside:
            yield from walked(region.pieces)


def places_for(pieces: Sequence[ListedPiece], moving: ListedPiece | None) -> list[tuple[str, str]]:
    """Return where a piece can be moved to: the path of each place, and what it is before."""
    return list(_places(ListedRegion((), "", tuple(pieces)), moving, "")) if moving else []


def _places(region: ListedRegion, moving: ListedPiece, within: str) -> Iterator[tuple[str, str]]:
    own = region.path == moving.path[:-1]
    block = registry().blocks.get(moving.piece.name)
    fits = moving.piece.name in region.offered if region.offered else not (block and block.within)
    room = fits and moving.piece.kind != "head" and (own or region.room != 0)
    for at, each in enumerate(region.pieces):
        if room and each.piece.kind != "head" and not (own and at - int(str(moving.path[-1])) in (0, 1)):
            yield each.at, f"{within}before {each.named}"
        for inner in each.inside if each.path != moving.path else ():
            yield from _places(inner, moving, f"{each.named}, {inner.label.lower()}: ")
    if room and not (own and region.pieces[-1].path == moving.path):
        last = region.pieces[-1].path[-1] if region.pieces else -1
        yield written_path((*region.path, int(str(last)) + 1)), f"{within}at the end"


def label_piece(piece: SourcePiece) -> str:
    """Return what a piece is, in a few words."""
    sentence = sentence_of(piece) if piece.kind == "condition" else None
    if sentence:
        return label_of(sentence)
    return _KINDS.get(piece.kind) or (f"Copy: {piece.name}" if piece.kind == "copy" else piece.name.capitalize())


def piece_with_line(pieces: Sequence[ListedPiece], line: int) -> ListedPiece | None:
    """Return the innermost piece that has a line of the text; None if there is none."""
    return next(iter([each for each in walked(pieces) if each.piece.line <= line <= each.piece.last_line][::-1]), None)


def _listed(piece: SourcePiece, path: Path, offered: tuple[str, ...]) -> ListedPiece:
    form = form_of(piece) if len(path) <= _DEEPEST else None
    inside = [_inside(piece, region, path, offered) for region in regions_of(piece) if form and _is_list(piece, region)]
    words = [*_first_words(piece, form)]
    if not words and piece.kind == "block":
        held = [*filter(None, ("".join(word for word, _ in each.words) for region in inside for each in region.pieces))]
        words = [(" · ".join(held) or registry().blocks[piece.name].summary, False)]
    return ListedPiece(path, label_piece(piece), piece, form, tuple(words), tuple(inside))


def _is_list(piece: SourcePiece, region: Region) -> bool:
    """Whether an inside is shown as pieces: the text of a block is a field, as long as it is only text."""
    return region.name != "body" or any(each.kind != "words" for each in cut_body(region.text(piece)))


def _inside(piece: SourcePiece, region: Region, path: Path, offered: tuple[str, ...]) -> ListedRegion:
    block = registry().blocks.get(piece.name) if region.name == "items" else None
    offered, here = block.holds if block else offered, (*path, region.name)
    found = enumerate(cut_body(region.text(piece), region.line))
    pieces = tuple(_listed(each, (*here, at), offered) for at, each in found if each.source.strip())
    most = block.most if block else 0
    held = sum(each.piece.kind != "condition" for each in pieces)
    return ListedRegion(here, _INSIDE[region.name], pieces, offered, most, max(0, most - held) if most else None)


def plain_words(text: str) -> str:
    """Return Markdown as its words in one line."""
    return re.sub(r"\s+", " ", _MARKS.sub(" ", text))


def _first_words(piece: SourcePiece, form: PieceForm | None) -> Iterator[tuple[str, bool]]:
    if piece.kind in ("copy", "condition") and form:
        return
    fields = form.fields if form else ()
    texts = [each.value for each in fields if each.kind in ("text", "words") and each.value]
    texts = (texts[:1] if piece.kind == "head" else texts) if form else [piece.source]
    left = _SHOWN_WORDS
    for part, tag in parts(" ·\n".join(texts)):
        field = _FIELD.fullmatch(part) if tag else None
        if field:
            said = field[1].replace("_", " ") + (f", or {field[2]}" if field[2] else "")
        else:
            said = "" if tag else plain_words(part).removesuffix(" · ")
        if said.strip(" ·") and left > 0:
            yield (said if len(said) <= left else f"{said[:left].rstrip()}…"), field is not None
            left -= len(said)
