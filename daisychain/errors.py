"""Errors that a person can fix, and what each means.

    DaisychainError             a command ends with exit code 1 and this message
    ├── InputError              something a person wrote: a document, a toolkit, a CSV, an argument
    ├── StateError              the thing asked for does not fit the state that things are in
    │   └── LockedError         another transaction has held for too long what this one must change
    ├── ProviderError           a provider could not be reached, or refused before any mail was at stake
    └── DatabaseError           the database is missing, too old, too new, or out of reach
    ConfigurationError          a setting is missing or wrong

ConfigurationError is outside the tree, so that a loop which carries on after a DaisychainError can't
swallow it. Any other exception is our bug and keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path


class DaisychainError(Exception):
    """A message for a person, with a hint that says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def in_one_line(self) -> str:
        """Return message and hint, as forms and tables show them."""
        return f"{self.message} {self.hint}".strip()

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(DaisychainError):
    """Something a person wrote can't be used; `file` and `line` (counted from 1) say where."""

    def __init__(
        self, message: str, *, file: Path | str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line

    @property
    def place(self) -> str:
        """Return `file:line` if they are known; empty otherwise."""
        if self.file is None:
            return f"line {self.line}" if self.line else ""
        return f"{self.file}:{self.line}" if self.line else str(self.file)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.place}: {text}" if self.place else text


class StateError(DaisychainError):
    """The request does not fit the present state."""


class LockedError(StateError):
    """Another transaction holds what this one must change."""

    def __init__(self) -> None:
        super().__init__(
            "Something else, such as an import, is changing the same people or settings: this is not done.",
            hint="Try again in a few minutes.",
        )


class ProviderError(DaisychainError):
    """A provider can't be used now; no mail was at stake."""


class DatabaseError(DaisychainError):
    """The database can't be used as it is."""


class ConfigurationError(Exception):
    """A setting is missing or wrong; `name` is the environment variable to look at."""

    def __init__(self, name: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{name} {problem}" + (f"\n  {hint}" if hint else ""))
        self.name = name
