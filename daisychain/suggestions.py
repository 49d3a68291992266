"""Suggest the known names closest to one that was mistyped."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(word: str, known: Collection[str]) -> str:
    """Return a hint that names the known word nearest to `word`, or all of them."""
    close = get_close_matches(word.lower(), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known)) or 'none'}."
