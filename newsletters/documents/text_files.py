"""Read text files that staff wrote, with errors they can act on."""

from __future__ import annotations

from pathlib import Path

from daisychain.errors import InputError

MAX_TEXT_BYTES = 1024 * 1024


def read_text(path: Path, missing: str) -> str:
    """Return the text of a file; `missing` begins the InputError if there is no such file."""
    try:
        # A byte more than allowed shows that a file is too large, however large it is.
        with path.open("rb") as file:
            content = file.read(MAX_TEXT_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{missing} {str(path)!r}.") from None
    except OSError as error:
        raise InputError(f"This file can't be read: {error.strerror}.", file=path) from None
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(f"This file is too large: {MAX_TEXT_BYTES:,} bytes are allowed.", file=path)
    return decoded(content, path)


def decoded(content: bytes, file: Path | str) -> str:
    """Return the text of a file's content; raises InputError with the line if it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("This is not UTF-8 text.", file=file, line=line, hint="Save it as UTF-8.") from None
