"""The error of a question that can't be answered, with the character that it is about."""

from __future__ import annotations

from rich.cells import cell_len

from daisychain.errors import InputError

_AROUND = 60  # characters before and after the place


class NotReadableError(Exception):
    """An error at a character, before the text is known that it is in."""

    def __init__(self, message: str, at: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, at, hint


class QuestionError(InputError):
    """A question that can't be answered, the character (`at`, from 0) that is wrong, and a hint what to write."""

    def __init__(self, message: str, text: str, at: int, *, hint: str = "") -> None:
        before = text[:at].split("\n")
        row, column = len(before), len(before[-1])
        place = f"line {row}, character {column + 1}" if "\n" in text.strip() else f"character {column + 1}"
        super().__init__(f"{message.rstrip('.')} ({place}).", hint=hint)
        self.at = at
        self.pointer = _pointer(text.split("\n")[row - 1], column)

    def __str__(self) -> str:
        return "\n  ".join(filter(None, (self.message, self.pointer.replace("\n", "\n  "), self.hint)))


def _pointer(line: str, at: int) -> str:
    """Return the part of a line around a character, and a caret below it; nothing of an empty line."""
    start = max(0, at - _AROUND)
    shown = "".join(each if each.isprintable() else " " for each in line[start : at + _AROUND])
    return shown and f"{shown}\n{' ' * cell_len(shown[: at - start])}^"
