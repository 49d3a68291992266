"""Unicode's normal forms, in time that grows with the text only."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Marks in a row are sorted by insertion, which takes quadratic time; no letter has more than a few. Pieces end before
# white space if they can, so that no mark is parted from its letter.
_PIECE = re.compile(r".{1,1000}(?!\S)|.{1,1000}", re.DOTALL)


def normal_form(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """Return `text` in a normal form."""
    return "".join(unicodedata.normalize(form, piece) for piece in _PIECE.findall(text))
