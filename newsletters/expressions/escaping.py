"""Escape a member's text for its place: in HTML, as a whole address, as a part of one."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_WHOLE_URL = re.compile(r"(?:https?://[^\s/?#]|mailto:[^\s])", re.IGNORECASE)


def escape(text: str) -> str:
    """Return the text as HTML, also for a quoted attribute."""
    # Looking first is several times quicker than replacing always: most values are harmless.
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    if "'" in text:
        text = text.replace("'", "&#39;")
    return text


def whole_url(text: str) -> str:
    """Return a web or mail address for use in a link; "#" for anything else: a member's text is never a script."""
    text = text.strip()
    try:
        urlsplit(text)
    except ValueError:
        return "#"
    return quote(text, safe="!#$%&'()*+,/:;=?@[]~") if _WHOLE_URL.match(text) else "#"


def url_part(text: str) -> str:
    """Return the text as a part of an address, which it can neither end nor lead elsewhere."""
    return quote(text, safe="")
