"""Slugs: names of files, lists, columns and codes, made from the words that people write in any form of Unicode."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Marks in a row are sorted by insertion, which takes quadratic time; no letter has more than a few. Pieces end before
# white space if they can, so that no mark is parted from its letter.
_PIECE = re.compile(r".{1,1000}(?!\S)|.{1,1000}", re.DOTALL)

# Letters that Unicode does not take apart into a plain one and its mark.
_SPELLED = str.maketrans({
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
})  # fmt: skip


def normal_form(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """Return `text` in a normal form of Unicode, in time that grows with the text only."""
    return "".join(unicodedata.normalize(form, piece) for piece in _PIECE.findall(text))


def spelled(text: str) -> str:
    """Return `text` in small letters, with Latin ones written plainly, such as "strasse" for "Straße"."""
    return normal_form("NFKD", text).lower().translate(_SPELLED)


def slug(text: str, separator: str = "-", *, as_before: bool = False) -> str:
    """Return `text` in a-z, 0-9 and `separator` only; empty if nothing of it can be written so.

    `as_before` leaves out ß, ø and the like, to find what was stored under a name that was made so.
    """
    plain = (normal_form("NFKD", text) if as_before else spelled(text)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", separator, plain.lower()).strip(separator)
