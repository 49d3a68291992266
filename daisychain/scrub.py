"""A provider's own words, made fit for logs, screens and the ledger: no address, no key, no secret, no novel."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 500

# Providers pass on what receiving servers answer, and those answer whatever they like.
_LONGEST_READ = 4_000

# A whole word at a time: a pattern with the @ in it would try each letter of a long word as an address's first.
_WORD = re.compile(r"[^\s<>\[\]\"'(),;:]+")

# What follows says that it is a secret: a scheme of `Authorization`, a user in a URL, a parameter.
_NAMED = re.compile(
    r"(\b(?:bearer|basic)\s+|://(?=[^\s/@]{1,200}@)|\b(?:token|key|secret|password|signature)=)[^\s/@&;,]+",
    re.IGNORECASE,
)
# What only chance writes: our keys have 22 characters (`sender.links.keys`) and tokens at least 32, of both cases.
# SendGrid's API keys have two dots.
_RANDOM = re.compile(
    r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?:[\w-]{21}[AQgw]|(?=[\w-]*\d)[\w-]{32,})(?![\w-])|\bSG\.[\w.-]{20,}"
)


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` on one line, without any address, key or token, and without `secrets`; at most 500 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    line = " ".join(text[:_LONGEST_READ].split())
    # What can't be seen can hide an address, or turn a terminal's line round.
    line = _NAMED.sub(r"\1[secret]", "".join(filter(str.isprintable, line)))
    line = _WORD.sub(_without_address, _RANDOM.sub("[key]", line))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _without_address(word: re.Match[str]) -> str:
    return "[address]" if "@" in word[0][1:-1] else word[0]
