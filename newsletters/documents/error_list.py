"""Collect the mistakes in a document, so that a check reports all of them; otherwise compiling stops at the first.

with mistakes:
    …                    may raise InputError
"""

from __future__ import annotations

from types import TracebackType

from daisychain.errors import InputError


class Mistakes:
    """A context that collects InputErrors in `found`, each once; without `collect` it does nothing."""

    def __init__(self, *, collect: bool = False) -> None:
        self.found: list[InputError] = []
        self._collect = collect

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> bool:
        """Report whether the error was collected."""
        if not (self._collect and isinstance(error, InputError)):
            return False
        if str(error) not in map(str, self.found):
            self.found.append(error)
        return True
