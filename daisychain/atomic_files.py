"""Files that take the place of others, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
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


def replace_together(files: Mapping[Path, tuple[str, int]]) -> dict[Path, Path]:
    """Write all files, given by text and rights, or none; returns where each that was there is kept. Raises OSError."""
    fresh: dict[Path, Path] = {}
    kept: dict[Path, Path] = {}
    done: list[Path] = []
    try:
        for path, (text, rights) in files.items():
            fresh[path] = path.with_name(f".{secrets.token_hex(8)}.part")
            with os.fdopen(os.open(fresh[path], os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights), "w") as file:
                file.write(text)
        for path in files:
            if path.exists():
                kept[path] = _free_name(path)
                os.link(path, kept[path])
        for path, new in fresh.items():
            new.replace(path)
            done.append(path)
    except BaseException:
        for path in done:
            if path in kept:
                kept[path].replace(path)
            else:
                path.unlink()
        for old in kept.values():
            old.unlink(missing_ok=True)
        raise
    finally:
        for new in fresh.values():
            new.unlink(missing_ok=True)
    for path, old in kept.items():
        if files[path][1] == PRIVATE:
            old.chmod(PRIVATE)
    return kept


def _free_name(path: Path) -> Path:
    """Return the first of NAME.1, NAME.2, … that is free."""
    number = 1
    while os.path.lexists(name := path.with_name(f"{path.name}.{number}")):
        number += 1
    return name
