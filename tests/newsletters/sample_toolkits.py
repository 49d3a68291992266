"""Toolkits for tests: small ones that are right, to be made wrong in one place."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

SHEET = """\
name: spring-fair
title: Spring Fair
coalition: Friends of Fairs
summary: A fair in every town.
links:
  join: https://fairs.org.uk/join
images:
  tent:
    file: images/tent.png
    alt: A striped tent.
"""

BLOCK = """\
---
id: welcome
title: Welcome
version: 2
approved by: A. Trustee
channels: email, web
length: short
---

Come to the *fair*.
"""


def picture(width: int = 8, height: int = 6, format_: str = "PNG") -> bytes:
    """A plain picture as a file of that format."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#1d5c53").save(file, format_)
    return file.getvalue()


def files(sheet: str = SHEET, **blocks: str) -> dict[str, bytes]:
    """The files of a toolkit; each keyword is a copy block, by default one named welcome."""
    copy = {f"copy/{name}.md": text.encode() for name, text in (blocks or {"welcome": BLOCK}).items()}
    return {"toolkit.yml": sheet.encode(), "images/tent.png": picture(), **copy}


def folder(path: Path, given: dict[str, bytes] | None = None) -> Path:
    """A toolkit's folder at `path`."""
    for name, content in (given or files()).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
