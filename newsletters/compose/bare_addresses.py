"""Make links of bare addresses in a text, and know links whose words are their own address.

Mail programs make such links too, each by its own rules. A link whose words are an address must lead straight there:
if it led to a page that counts clicks, mail programs would warn of fraud.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Callable, Iterator

from newsletters.tokens import CONDITIONALS, Mint, Token

# Neither space nor quotes, brackets or the punctuation of other scripts, which end an address.
SIGN = r"""[^\s<>"“”„‟«»‘’‚‹›`|\\^،؛؟۔।॥。、，！？：；（）「」『』【】…–—·\u200b-\u200f\u2060-\u2069\ufeff]"""
# The number of a note right behind an address is no part of it.
NOTE = r"\[\d{1,3}\]"
# Before the @ there are at most 64 signs (RFC 5321, 4.5.3.1.1).
_ADDRESS = re.compile(
    rf"(?<![\w@/.-])(?:(?P<scheme>https?://)(?=[^\W_])|(?P<www>www\.)(?=[\w-]+\.[^\W\d_]))(?:(?!{NOTE}){SIGN}){{1,2000}}"
    r"|(?<![\w@/.+=&-])(?:mailto:)?(?P<mail>[a-z0-9](?:[\w.+'-]{0,62}[\w+-])?@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,})"
    r"(?![\w@-]|\.\w)",
    re.IGNORECASE,
)
_TAG = re.compile(r"(<!--.*?-->|<[A-Za-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)", re.DOTALL)
_NAME = re.compile(r"<(/?)([A-Za-z][\w-]*)")
# Links, code, and what readers don't see.
_LEFT_ALONE = frozenset({
    "a", "code", "head", "mj-button", "mj-head", "mj-social-element", "pre", "script", "style", "title",
})  # fmt: skip
_GOES_ON = re.compile(r"[\w/?#&=%~+@-]")
_LOOKS_LIKE_ONE = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[^\W\d_]{2,})(?::\d+)?(?:[/?#].*)?", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:|sms:)?(?:www\.)?", re.IGNORECASE)


def linked_page(html: str, mint: Mint) -> str:
    """Return HTML or MJML with links around the bare addresses in its text."""
    pieces = _TAG.split(html)
    inside: list[str] = []
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            if not inside and ("://" in piece or "@" in piece or "www." in piece.lower()):
                pieces[at] = _linked(piece, mint)
        elif (tag := _NAME.match(piece)) and tag[2].lower() in _LEFT_ALONE and not piece.endswith("/>"):
            if not tag[1]:
                inside.append(tag[2].lower())
            elif tag[2].lower() in inside:
                inside.remove(tag[2].lower())
    return "".join(pieces)


def addressed_text(text: str, mint: Mint, write_url: Callable[[str], str]) -> str:
    """Return plain text with the members' fields in its bare addresses as addresses have them."""

    def written(found: re.Match[str]) -> str:
        shown = _without_end(found[0])
        host = _host(found, shown)
        kept = mint.mark in host or mint.mark not in shown or mint.pattern("[BOE]").search(shown)
        return found[0] if kept else write_url(shown) + found[0][len(shown) :]

    return _ADDRESS.sub(written, text) if mint.mark in text else text


def _host(found: re.Match[str], shown: str) -> str:
    return found["mail"] or re.split(r"[/?#]", shown.removeprefix(found["scheme"] or ""))[0]


def _linked(html: str, mint: Mint) -> str:
    items = list(mint.split(htmllib.unescape(html)))
    texts = [""]  # between conditions' tokens, each with the other tokens in it
    for item in items:
        condition = isinstance(item, Token) and item.kind in CONDITIONALS
        text = item if isinstance(item, str) else item.text
        texts[-1:] = [texts[-1], text, ""] if condition else [texts[-1] + text]
    changed = False
    for at in range(0, len(texts), 2):
        after = next((text for text in texts[at + 2 :: 2] if text), "")
        written = "".join(
            piece if end is None else f'<a href="{htmllib.escape(end)}">{piece}</a>'
            for piece, end in _pieces(texts[at], mint, goes_on=bool(_GOES_ON.match(after)))
        )
        changed |= "<a href" in written
        texts[at] = written
    return "".join(texts) if changed else html


def _pieces(text: str, mint: Mint, *, goes_on: bool) -> Iterator[tuple[str, str | None]]:
    """Yield the pieces of `text` as HTML, each with the address that it leads to, or None.

    With `goes_on`, an address at its end may be longer for some readers, and is left as it is.
    """
    end = 0
    for found in _ADDRESS.finditer(text):
        shown = _without_end(found[0])
        stops = found.start() + len(shown)
        host = _host(found, shown)
        # A bracket in a host is what is left of a link that was written wrongly; no program could read the address.
        if mint.mark in host or not {*"[]"}.isdisjoint(host) or (goes_on and stops == len(text)):
            continue
        yield htmllib.escape(text[end : found.start()], quote=False), None
        start = "mailto:" if found["mail"] else "" if found["scheme"] else "https://"
        yield htmllib.escape(shown, quote=False), start + re.sub("^mailto:", "", shown, flags=re.IGNORECASE)
        end = stops
    yield htmllib.escape(text[end:], quote=False), None


def _without_end(address: str) -> str:
    """Return an address without what ends the sentence or closes the bracket around it."""
    while True:
        last = address[-1]
        opening = {")": "(", "]": "[", "}": "{"}.get(last)
        unpaired = opening and address.count(last) > address.count(opening)
        if not unpaired and last not in ".,:;!?*_~'":
            return address
        address = address[:-1]


def is_own_address(words: str, url: str) -> bool:
    """Report whether a link's words are its own address, or another one on the same site."""
    bare = words.strip("()[]<>.,:;!? \u00a0→←")
    shown, meant = (_SCHEME.sub("", each, count=1).rstrip("/").casefold() for each in (bare, url))
    site = _LOOKS_LIKE_ONE.fullmatch(bare)
    host = re.match(r"https?://(?:www\.)?([^/?#:]+)", url, re.IGNORECASE)
    same_site = site and host and site[1].casefold().removeprefix("www.") == host[1].casefold()
    return bool(bare) and (words == url or shown == meant or bool(same_site))
