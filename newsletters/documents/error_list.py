"""Mistakes in what was written: the first one ends a compile, or all are collected and it goes on without those parts.

with mistakes:
    …                    whatever raises InputError
"""

from __future__ import annotations

from types import TracebackType

from daisychain.errors import InputError


class Mistakes:
    """As a context, lets an InputError through; one that collects keeps it in `found` instead, each once."""

    def __init__(self, *, collect: bool = False) -> None:
        self.found: list[InputError] = []
        self._collect = collect

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> bool:
        """Whether the error was kept."""
        if not (self._collect and isinstance(error, InputError)):
            return False
        if str(error) not in map(str, self.found):
            self.found.append(error)
        return True
