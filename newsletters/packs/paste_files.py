"""Paste files: the newsletter in parts, for editors that take words and pictures but no finished email.

Each part is a text file, and a page to copy from a browser: with its tables, quotes, bold words and links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from daisychain.slug import slug

_HEADING = re.compile(r"^HEADING\n(.+)", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")
_MOST_WORDS = 5  # in a file's name
_PART, _END = "<!--part-->", "<!--end of parts-->"
# Where a part begins inside one of these, the page is not cut.
_HOLDERS = re.compile(rf"<(/?)(?:blockquote|[uo]l|table)\b|({_PART})")
_PICTURE = re.compile(r'(?<=\bsrc=")(?=images/)')
_UNSEEN = re.compile(r"<(?!img\b)[^>]*>|\s")
_CELL = re.compile(r'<td class="page"[^>]*style="([^"]*)"')


def paste_files(text: str, page: str) -> dict[str, str]:
    """Return the files of the folder for `text`, in which a form feed begins a part, and for the same as a `page`."""
    parts = [_BLANKS.sub("\n\n", part).strip() for part in text.split("\f")]
    pages = list(_pages(page))
    files = {}
    for number, part in enumerate(filter(None, parts), start=1):
        heading = _HEADING.search(part)
        name = "-".join(slug(heading[1] if heading else "text").split("-")[:_MOST_WORDS]) or "part"
        files[f"paste/{number:02d}-{name}.txt"] = f"{part}\n"
        if number <= len(pages):
            files[f"paste/{number:02d}-{name}.html"] = pages[number - 1]
    return files


def without_parts(page: str) -> str:
    """Return `page` without the marks at which its parts begin."""
    return page.replace(_PART, "").replace(_END, "")


def _pages(page: str) -> Iterator[str]:
    """Yield a page for each part of the body that shows something, in the look of the whole `page`."""
    style = _CELL.findall(page)
    for part in _cut(page[: page.index(_END)])[1:]:
        if _UNSEEN.sub("", part):
            body = _PICTURE.sub("../", without_parts(part))
            yield f'{page[: page.index("<table")]}<div style="{style[0]}">{body}</div></body></html>\n'


def _cut(page: str) -> list[str]:
    """Return `page` in pieces, cut at the marks of parts."""
    pieces, depth, start = [], 0, 0
    for match in _HOLDERS.finditer(page):
        if match[2] and depth == 1:  # the table that holds the page
            pieces.append(page[start : match.start()])
            start = match.end()
        elif not match[2]:
            depth += -1 if match[1] else 1
    return [*pieces, page[start:]]
