"""Save what staff write: each save names the version that it began with, and none overwrites what it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert

from daisychain.errors import StateError
from newsletters.pieces.outline import SourcePiece, cut
from newsletters.stored.contents import Change
from newsletters.stored.differences import blocks
from newsletters.stored.newsletters import SavedNewsletter, SaveKind, load, put
from newsletters.tables import NewsletterSave

_AHEAD = 100  # pieces of the other text among which a partner is looked for


@dataclass(frozen=True)
class PiecePair:
    """A piece as it is in the refused text and in the stored one; None if it is missing."""

    mine: SourcePiece | None
    theirs: SourcePiece | None

    @property
    def same(self) -> bool:
        """Whether both have the same words."""
        return self.mine is not None and self.theirs is not None and self.mine.source == self.theirs.source


@dataclass(frozen=True)
class Collision:
    """A refused save: somebody saved the same text meanwhile. The refused one is kept as the save `kept_as`.

    `pairs` has each language that collided, piece by piece in reading order. To go on, save again on `theirs.version`.
    """

    theirs: SavedNewsletter
    kept_as: int
    pairs: Mapping[str, Sequence[PiecePair]]


def save(
    connection: Connection, newsletter_id: int, base: int, change: Change, *, who: str, kind: SaveKind = "auto",
    note: str = "",
) -> SavedNewsletter | Collision:  # fmt: skip
    """Save a change to the version `base`; commit a collision as well. Raises InputError, UnknownNewsletter.

    A text that others have not touched since `base` is saved, whatever else they saved. What changes nothing makes no
    version. A `note` says what was done, and makes a step that `undo` takes back by itself.
    """
    now = load(connection, newsletter_id, lock=True)
    if base > now.version:
        raise StateError(f"There is no version {base} of {now.name!r} yet.", hint="Load the newsletter again.")
    contents = change.applied(now.contents)
    collided = [
        language
        for language in change.texts
        if now.changed.get(language, 0) > base and contents.texts.get(language) != now.contents.texts.get(language)
    ]
    if collided:
        return _collision(connection, now, base, change, collided, who)
    if contents == now.contents:
        return now
    return put(connection, now, contents, who=who, kind=kind, note=note)


def aligned(mine: str, theirs: str) -> Sequence[PiecePair]:
    """Return the pieces of two texts side by side."""
    return tuple(_aligned(cut(mine), cut(theirs)))


def _collision(
    connection: Connection, now: SavedNewsletter, base: int, change: Change, languages: Sequence[str], who: str
) -> Collision:
    contents = change.applied(now.contents)
    row = {
        "newsletter_id": now.id, "version": base, "kind": "collided", "by": who,
        "content": {**contents.to_json(), "changed": now.changed},
        "note": f"Refused: {now.updated_by} saved version {now.version} meanwhile",
    }  # fmt: skip
    kept_as = connection.scalar(insert(NewsletterSave).values(row).returning(NewsletterSave.id))
    assert kept_as is not None
    pairs = {
        language: aligned(contents.texts.get(language, ""), now.contents.texts.get(language, ""))
        for language in languages
    }
    return Collision(now, kept_as, pairs)


def _aligned(mine: Sequence[SourcePiece], theirs: Sequence[SourcePiece]) -> Iterator[PiecePair]:
    sources = ([each.source for each in mine], [each.source for each in theirs])
    for begin, end, other_begin, other_end in blocks(*sources):
        yield from _paired(mine[begin:end], theirs[other_begin:other_end])


def _paired(mine: Sequence[SourcePiece], theirs: Sequence[SourcePiece]) -> Iterator[PiecePair]:
    """Pair pieces of the same kind in order; a piece without a partner comes by itself."""
    at = 0
    for piece in mine:
        ahead = range(at, min(at + _AHEAD, len(theirs)))
        partner = next((place for place in ahead if _alike(piece, theirs[place])), None)
        if partner is None:
            yield PiecePair(piece, None)
            continue
        yield from (PiecePair(None, other) for other in theirs[at:partner])
        yield PiecePair(piece, theirs[partner])
        at = partner + 1
    yield from (PiecePair(None, other) for other in theirs[at:])


def _alike(one: SourcePiece, other: SourcePiece) -> bool:
    return replace(one, source="", line=0, closed=True) == replace(other, source="", line=0, closed=True)
