"""Find words in a newsletter's source, whatever white space is between them, with their line."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate


class SourceText:
    """A text of which the first line has a number; it is searched for each link, so it is prepared once."""

    def __init__(self, first: int, text: str) -> None:
        found = [(word, first + at) for at, line in enumerate(text.split("\n")) for word in line.split()]
        words, self._lines = [word for word, _ in found], [line for _, line in found]
        self._words = " ".join(words)
        self._starts = list(accumulate((len(word) + 1 for word in words), initial=0))

    def lines_of(self, words: str, after: int = 0) -> Iterator[int]:
        """Yield the line of each place, from the line `after` on, at which `words` begin."""
        words = " ".join(words.split())
        at = self._words.find(words, self._starts[bisect_left(self._lines, after)]) if words else -1
        while at >= 0:
            yield self._lines[bisect_right(self._starts, at) - 1]
            at = self._words.find(words, at + len(words))
