"""Files that take the place of others, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PRIVATE = 0o600
_USUAL = 0o666  # less what the umask takes away


@contextmanager
def replacing(path: Path, *, rights: int = _USUAL, encoding: str | None = None) -> Iterator[IO[Any]]:
    """A new file to write into, for bytes or in `encoding`, which takes the place of `path` at the end.

    Writing into what is there would follow a link, and keep others' right to read it. Where an error leaves the block,
    what was there stays. Raises OSError.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), rights)
    try:
        with os.fdopen(handle, "w" if encoding else "wb", encoding=encoding, newline="" if encoding else None) as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
