"""Put two texts together piece by piece, as somebody chose, after a save was refused."""

from __future__ import annotations

from collections.abc import Sequence

from daisychain.errors import InputError
from newsletters.pieces.outline import SourcePiece
from newsletters.stored.saving import PiecePair

# A piece that only one of them has is left out by the other's name.
CHOICES = ("mine", "theirs", "both")


def join(pairs: Sequence[PiecePair], choices: Sequence[str]) -> str:
    """Return the text with, of each pair that differs, mine, theirs or both; raises InputError without a choice."""
    made: list[str] = []
    for pair, choice in zip(pairs, choices, strict=True):
        if not pair.same and choice not in CHOICES:
            raise InputError("Choose for each piece that differs: mine, theirs or both.")
        kept = [pair.theirs] if pair.same or choice == "theirs" else [pair.mine]
        kept = [pair.mine, pair.theirs] if choice == "both" and not pair.same else kept
        if sum(each is not None and each.kind == "head" for each in kept) > 1:
            raise InputError("Subject and settings can't be there twice.", hint="Choose mine or theirs for them.")
        made += [_ended(each) for each in kept if each is not None]
    return "".join(made)


def _ended(piece: SourcePiece) -> str:
    """Return a piece's source with an empty line after it, so that the next one stays a piece of its own."""
    ends = "\r\n" if "\r\n" in piece.source else "\n"
    bare = piece.source.rstrip("\r\n")
    rest = piece.source[len(bare) :]
    return bare + (rest if rest.count("\n") > 1 or piece.kind == "head" else ends * 2)
