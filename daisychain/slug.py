"""Slugs: names of files, lists, columns and codes, made from the words that people write."""

from __future__ import annotations

import re

from daisychain.normal_form import normal_form

# Letters that Unicode does not take apart into a plain one and its mark.
_SPELLED = str.maketrans({
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
})  # fmt: skip


def spelled(text: str) -> str:
    """Return `text` in small letters, with Latin ones written plainly, such as "strasse" for "Straße"."""
    return normal_form("NFKD", text).lower().translate(_SPELLED)


def slug(text: str, separator: str = "-", *, as_before: bool = False) -> str:
    """Return `text` in a-z, 0-9 and `separator` only; empty if nothing of it can be written so.

    `as_before` leaves out ß, ø and the like, to find what was stored under a name that was made so.
    """
    plain = (normal_form("NFKD", text) if as_before else spelled(text)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", separator, plain.lower()).strip(separator)
