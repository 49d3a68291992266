"""Collect the mistakes in a document, so that a check reports all of them; otherwise compiling stops at the first.

with mistakes:
    …                    may raise InputError
"""

from __future__ import annotations

import math
from time import thread_time
from types import TracebackType

from daisychain.errors import InputError


class GaveUpError(Exception):
    """Compiling took too long, or found too many mistakes to go on; those that were found are kept."""


class Mistakes:
    """A context that collects InputErrors in `found`, each once; without `collect` it does nothing.

    After `most` of them, or `seconds` of this thread's CPU, it raises GaveUpError.
    """

    def __init__(self, *, collect: bool = False, most: float = math.inf, seconds: float = math.inf) -> None:
        self.found: list[InputError] = []
        self._collect = collect
        self._most, self._until = most, thread_time() + seconds
        self._known: set[str] = set()

    def __enter__(self) -> None:
        """Give up if the time is over."""
        if thread_time() > self._until:
            raise GaveUpError("too slow")

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> bool:
        """Report whether the error was collected."""
        if not (self._collect and isinstance(error, InputError)):
            return False
        if str(error) not in self._known:
            self._known.add(str(error))
            self.found.append(error)
        if len(self.found) >= self._most:
            raise GaveUpError("too many mistakes")
        return True
