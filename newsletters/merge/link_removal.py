"""Remove a link of the layout where it leads nowhere, such as to the page that one is looking at."""

from __future__ import annotations

import re
from dataclasses import replace

from newsletters.compiled import CompiledEmail
from newsletters.tokens import Kind

_BETWEEN = r"(?:\s|&nbsp;|&#160;)*+"  # possessive: a long row of spaces is read once
_DOT = re.compile(rf"{_BETWEEN}[·•|]{_BETWEEN}")
_DOT_AT_END = re.compile(_DOT.pattern + "$")
_DOT_ROOM = 40  # characters before a link in which a dot may stand
EMPTY_PARAGRAPH = re.compile(rf"<p\b[^>]*>{_BETWEEN}</p>")


def links_to(token: str) -> re.Pattern[str]:
    """Return a pattern for links whose address is `token`; group 1 is their words."""
    return re.compile(rf'<a\b[^>]*href="{token}"[^>]*>((?:(?!</a>).)*)</a>', re.DOTALL)


def without_links(html: str, token: str) -> str:
    """Return `html` without the links to `token`, the dot beside each, and a paragraph left empty."""
    kept = ""
    end = 0
    for anchor in links_to(token).finditer(html):
        before = html[end : anchor.start()]
        end = anchor.end()
        if dot := _DOT_AT_END.search(before, max(0, len(before) - _DOT_ROOM)):
            before = before[: dot.start()]
        elif dot := _DOT.match(html, end):
            end = dot.end()
        kept += before
    return EMPTY_PARAGRAPH.sub("", kept + html[end:])


def without_footer_link(email: CompiledEmail, kind: Kind) -> CompiledEmail:
    """Return `email` without the footer's link of this kind in its HTML, and its line in the text."""
    token = email.mint.write(kind)
    if token not in email.html and token not in email.text:
        return email
    lines = (line for line in email.text.split("\n") if token not in line)
    return replace(email, html=without_links(email.html, token), text="\n".join(lines))
