"""Files of a page in a folder, for pictures of it."""

from __future__ import annotations

from pathlib import Path

from newsletters.browser.browser import Files


def files_in(folder: Path) -> Files:
    """Return the files of a page in `folder`; none from outside it."""
    root = folder.resolve()

    def content(path: str) -> bytes | None:
        file = (root / path).resolve()
        return file.read_bytes() if file.is_relative_to(root) and file.is_file() else None

    return content
