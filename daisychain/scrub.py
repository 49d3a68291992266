"""A provider's own words, made fit for logs, screens and the ledger: no address, no secret, no novel."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 500

# Providers pass on what receiving servers answer, and those answer whatever they like.
_LONGEST_READ = 4_000

# A whole word at a time: a pattern with the @ in it would try each letter of a long word as an address's first.
_WORD = re.compile(r"[^\s<>\[\]\"'(),;:]+")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` on one line, without any address and without any of `secrets`, at most 500 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    line = " ".join(text[:_LONGEST_READ].split())
    # What can't be seen can hide an address, or turn a terminal's line round.
    line = _WORD.sub(_without_address, "".join(filter(str.isprintable, line)))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _without_address(word: re.Match[str]) -> str:
    return "[address]" if "@" in word[0][1:-1] else word[0]
