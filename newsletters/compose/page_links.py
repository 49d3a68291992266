"""Place slots in finished HTML, each in its context, and replace links' addresses with tokens."""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Sequence

from newsletters.compiled import Link
from newsletters.compose.bare_addresses import is_own_address
from newsletters.compose.compose import uncomment
from newsletters.expressions.parse import Line
from newsletters.expressions.slots import Slots
from newsletters.tokens import OUR_PAGES, Kind, Mint

# Odd pieces of a split are tags. Comments are tags too, except the brackets of Outlook's conditional ones.
_TAG = re.compile(
    r"""(<!--\[if[^\]]*\]>|<!\[endif\]-->|<!--.*?-->|<[A-Za-z/!][^"'<>]*(?:"[^"]*"[^"'<>]*|'[^']*'[^"'<>]*)*>)""",
    re.DOTALL,
)
_A = re.compile(r"<a\s", re.IGNORECASE)
_HREF = re.compile(r'(\shref=")([^"]*)(")', re.IGNORECASE)
_ALT = re.compile(r'\salt="([^"]*)"', re.IGNORECASE)
_NOT_WEB = re.compile(r"(?!https?:)[a-z+.-]+:", re.IGNORECASE)


def place_in_page(html: str, slots: Slots, mint: Mint, line: Line) -> tuple[str, tuple[Link, ...]]:
    """Return `html` with its slots and links' tokens, and the links; `line` is for errors."""
    links: list[Link] = []
    pieces = _TAG.split(html)

    def tag(position: int) -> str:
        found = pieces[position]
        href = _HREF.search(found) if _A.match(found) else None
        url = htmllib.unescape(href[2]) if href else ""
        if href and url and not (url.startswith("#") or mint.pattern(f"[{''.join(OUR_PAGES)}]").fullmatch(url)):
            written, words = slots.url(url, line), _link_text(pieces, position + 1, slots)
            web = not _NOT_WEB.match(mint.strip(written))
            own = web and is_own_address(words, slots.words(url))
            links.append(Link(len(links), written, words, web and not own))
            start = f'<a clicktracking="off"{found[2 : href.start()]}' if own else found[: href.start()]
            found = f"{start}{href[1]}{mint.write(Kind.LINK, links[-1].index)}{href[3]}{found[href.end() :]}"
        return slots.place(found, "attribute")

    placed = [tag(at) if at % 2 else slots.place(piece, "html") for at, piece in enumerate(pieces)]
    return "".join(placed), tuple(links)


def place_in_mjml(mjml: str, slots: Slots, mint: Mint) -> str:
    """Return MJML with the same slots as the page, except in links, whose addresses are rows of the email."""
    placed = [
        (piece if _HREF.search(piece) else slots.place(piece, "attribute")) if at % 2 else slots.place(piece, "html")
        for at, piece in enumerate(_TAG.split(mjml))
    ]
    return uncomment("".join(placed), mint)


def _link_text(pieces: Sequence[str], start: int, slots: Slots) -> str:
    words: list[str] = []
    for at in range(start, len(pieces)):
        piece = pieces[at]
        if at % 2 == 0:
            words.append(piece)
        elif piece.lower().startswith("</a"):
            break
        elif alt := _ALT.search(piece):
            words.append(alt[1])
    return " ".join(htmllib.unescape(slots.words("".join(words))).split())
