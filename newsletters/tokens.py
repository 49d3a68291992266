"""Write and find tokens: the places in a compiled email that are filled in later.

A token is ASCII letters and digits only, so that Markdown, MJML, CSS inlining, URLs and providers leave it unchanged:
`d` + eight hex digits that are random for each compile + a kind + an index + `z`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# Replaces the random part in hashes, so that equal newsletters have equal hashes.
STILL = "00000000"

_TOKEN = re.compile(r"d([0-9a-f]{8})([A-Z])(\d+)z")


class Kind(StrEnum):
    """The kinds of tokens."""

    EXPRESSION = "X"  # a member expression whose context is not known yet; compiling replaces all of them
    SLOT = "S"
    BEGIN = "B"  # of a condition; its index pairs it with OTHERWISE and END
    OTHERWISE = "O"
    END = "E"
    LINK = "L"
    IMAGE = "I"
    UNSUBSCRIBE = "U"
    VIEW = "V"
    PREFERENCES = "F"  # emails that were compiled before there was this page have none
    PIXEL = "P"
    PUBLIC = "W"  # the installation's public URL, before a path of its own


CONDITIONALS = frozenset({Kind.BEGIN, Kind.OTHERWISE, Kind.END})
# The links of a footer to pages of ours about one reader and one mail.
OUR_PAGES = (Kind.UNSUBSCRIBE, Kind.PREFERENCES, Kind.VIEW)


@dataclass(frozen=True)
class Token:
    """One token found in a text."""

    kind: Kind
    index: int
    text: str


@dataclass(frozen=True)
class Mint:
    """Writes tokens of one compile, and finds them again."""

    nonce: str

    @classmethod
    def fresh(cls) -> Mint:
        """Return a mint whose random part can't be guessed."""
        return cls(secrets.token_hex(4))

    @property
    def mark(self) -> str:
        """Return the beginning that all tokens of this mint share, and that no value may hold."""
        return f"d{self.nonce}"

    def write(self, kind: Kind | str, index: int = 0) -> str:
        """Return the token of `kind` with `index`."""
        return f"{self.mark}{kind}{index}z"

    def pattern(self, kinds: str = "[A-Z]") -> re.Pattern[str]:
        """Return a pattern for tokens of `kinds` (a character class): group 1 is the kind, group 2 the index."""
        return re.compile(rf"{self.mark}({kinds})(\d+)z")

    def split(self, text: str) -> Iterator[str | Token]:
        """Yield the pieces of `text` in order: literals (never empty) and tokens."""
        end = 0
        for match in self.pattern().finditer(text):
            if match.start() > end:
                yield text[end : match.start()]
            yield Token(Kind(match[1]), int(match[2]), match[0])
            end = match.end()
        if end < len(text):
            yield text[end:]

    def strip(self, text: str) -> str:
        """Return `text` without any token."""
        return self.pattern().sub("", text)


def conditions_in(text: str) -> Iterator[Token]:
    """Yield the conditions' tokens of `text`, of whichever mint."""
    for match in _TOKEN.finditer(text):
        if match[2] in CONDITIONALS:
            yield Token(Kind(match[2]), int(match[3]), match[0])


def holds_values(text: str) -> bool:
    """Whether `text`, of whichever mint, holds a place for a member's value."""
    return any(match[2] == Kind.SLOT for match in _TOKEN.finditer(text))


def visible_width(text: str) -> int:
    """Return how many columns `text` takes: conditions none, everything filled in about as much as a first name."""
    return len(_TOKEN.sub(lambda match: "" if match[2] in CONDITIONALS else "12345678", text))
