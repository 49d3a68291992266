"""Characters that people write as HTML does, `&amp;` for &, in places that are not HTML."""

from __future__ import annotations

import html
import re

# With its semicolon only, as in Markdown: `?a=1&copy=2` in an address is no copyright sign.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[Xx][\dA-Fa-f]{1,6}|[A-Za-z][A-Za-z\d]*);")


def characters(text: str) -> str:
    """Return `text` with the characters that `&amp;` and the like stand for."""
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
