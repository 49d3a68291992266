"""Split newsletters and copy blocks into front matter (`name: value` between two lines of ---) and body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daisychain.errors import InputError
from newsletters.documents.yaml_with_lines import YamlMapping, read_sheet

_FENCE = "---"


@dataclass(frozen=True)
class Parts:
    """The front matter of a text, and the lines of its body; `body_line` is the first of them in the file."""

    sheet: YamlMapping
    body: Sequence[str]
    body_line: int


def split(lines: Sequence[str], file: str, *, hint: str) -> Parts:
    """Return the two parts of the text in `lines`; raises InputError with file and line, and the `hint`."""
    if lines[0].rstrip() != _FENCE:
        raise InputError("There is no front matter.", file=file, line=1, hint=hint)
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == _FENCE), None)
    if end is None:
        raise InputError("The front matter is not closed.", file=file, line=1, hint=hint)
    return Parts(read_sheet("\n".join(lines[1:end]), file, first_line=2), lines[end + 1 :], end + 2)
