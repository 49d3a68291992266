"""Zips: a pack as one file, and the page and pictures as some tools import them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

from newsletters.packs.dialect_writer import Written
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.material import Material

# One moment for all files of a zip, so that the same pack is the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)
# Packed already; a draft is nearly all pictures, and to make it a third smaller took a quarter of a pack's time.
_STORED = (".png", ".jpg", ".gif", ".webp", ".zip", ".eml")
# The cells that hold words: of a text, a table, or a button.
_REGION = re.compile(
    r"<td\b[^>]*(?=>\s*<table\b[^>]*\bfont-family:|>\s*<a\b[^>]*\bdisplay:\s*inline-block)"
    r"|<td\b[^>]*>\s*<div\b(?=[^>]*\bfont-family:)"
)
_SOURCE = re.compile(r'(?<=")images/([^"]+)')


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files`, the same for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(files):
            packing = zipfile.ZIP_STORED if path.endswith(_STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(path, _MOMENT), files[path], compress_type=packing)
    return target.getvalue()


def import_zip(material: Material, dialect: Dialect, written: Written) -> bytes:
    """Return the zip that the tool imports; empty if it imports none or there is nothing for it."""
    pictures = {} if material.edition.choices.hosted else material.pictures
    if dialect.zip == "one folder":
        page = _SOURCE.sub(r"\1", _editable(written.html)) if pictures else _editable(written.html)
        return zipped({"newsletter.html": page.encode(), **pictures})
    if dialect.zip == "pictures" and pictures:
        return zipped({f"images/{name}": content for name, content in pictures.items()})
    return b""


def _editable(page: str) -> str:
    """Return `page` with Mailchimp's mark of an editable region on each stretch of text; the last is the footer."""
    *texts, _ = numbers = range(1, len(_REGION.findall(page)) + 1)
    names = iter([*(f"text{number}" for number in texts), "footer"] if numbers else [])
    return _REGION.sub(lambda match: f'{match[0]} mc:edit="{next(names)}"', page)
