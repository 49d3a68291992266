"""Paste files: the newsletter in parts, for editors that take text and pictures but no finished email."""

from __future__ import annotations

import re

from daisychain.slug import slug

_HEADING = re.compile(r"^HEADING\n(.+)", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")
_MOST_WORDS = 5  # in a file's name


def paste_files(text: str) -> dict[str, str]:
    """Return a text file for each part of `text`, in order; a form feed begins a part."""
    parts = [_BLANKS.sub("\n\n", part).strip() for part in text.split("\f")]
    files = {}
    for number, part in enumerate(filter(None, parts), start=1):
        heading = _HEADING.search(part)
        name = "-".join(slug(heading[1] if heading else "text").split("-")[:_MOST_WORDS]) or "part"
        files[f"{number:02d}-{name}.txt"] = f"{part}\n"
    return files
