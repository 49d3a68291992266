"""Outlines: a finished page read back as what it says, for mailboxes and editors that take no layout."""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Literal

_INLINE = frozenset({"a", "strong", "b", "em", "i", "br", "code", "s", "sup", "sub"})
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "td",
        "th",
        "tr",
        "table",
        "li",
        "ul",
        "ol",
        "blockquote",
        "hr",
        "img",
        "h1",
        "h2",
        "h3",
        "h4",
        "pre",
        "body",
    }
)
_SILENT = frozenset({"head", "style", "title", "script"})
_VOID = frozenset({"img", "br", "hr", "meta", "link", "input"})
_FURNITURE = frozenset({"logo", "small", "wordmark", "masthead", "logos", "furniture"})
_UNSEEN = re.compile(r"<!--.*?-->|<head\b.*?</head>", re.DOTALL)

Kind = Literal["heading", "words", "item", "quote", "picture", "button"]


@dataclass(frozen=True)
class Item:
    """One thing that a page says; `html` is inline HTML, `level` that of a heading, `number` that of a list's item.

    A picture has `src`, `alt` and a `width` in px (0: unknown); it and a button may have `href`. `furniture` is what
    stands round the content.
    """

    kind: Kind
    html: str = ""
    level: int = 0
    number: int = 0
    src: str = ""
    alt: str = ""
    href: str = ""
    width: int = 0
    furniture: bool = False

    @property
    def text(self) -> str:
        """The words alone, each link's address behind its words."""
        return plain(self.html)


def outline(page: str) -> list[Item]:
    """What `page` says, in order; what only Outlook's comments hold is left out."""
    reader = _Reader()
    # Half of a page is style sheets and what only Outlook reads; a parser takes its time over them.
    reader.feed(_UNSEEN.sub("", page))
    reader.close()
    return reader.items


def parts(items: Sequence[Item]) -> list[list[Item]]:
    """The content in parts as an editor has blocks: each begins with a heading, or with the picture above one."""
    found: list[list[Item]] = []
    content = [
        item
        for item in items
        if not item.furniture and (item.kind == "picture" or any(sign.isalnum() for sign in item.text))
    ]
    for position, item in enumerate(content):
        follows = content[position + 1].kind if position + 1 < len(content) else ""
        begins = item.kind == "heading" or (item.kind == "picture" and follows in ("heading", "words"))
        alone = found and all(each.kind == "picture" or _kicker(each) for each in found[-1])
        if not found or (begins and not alone):
            found.append([])
        found[-1].append(item)
    return found


def plain(inline: str) -> str:
    """Inline HTML as text, each link's address in brackets behind its words."""
    if "<" not in inline:
        return htmllib.unescape(inline).strip()
    writer = _Plain()
    writer.feed(inline)
    writer.close()
    return "".join(writer.written).strip()


def _kicker(item: Item) -> bool:
    return item.kind == "words" and len(item.text) < 40 and "<a" not in item.html


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.items: list[Item] = []
        self._stack: list[tuple[str, frozenset[str]]] = []
        self._words: list[str] = []
        self._lists: list[list[int]] = []
        self._href = ""
        self._button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._flush()
        if tag == "a":
            self._href = given.get("href", "")
        if tag in ("ul", "ol"):
            self._lists.append([0, int(tag == "ol")])
        elif tag == "li" and self._lists:
            self._lists[-1][0] += 1
        if tag == "img":
            self._picture(given)
        elif tag in _INLINE and not self._silent:
            self._words.append(f'<a href="{htmllib.escape(self._href)}">' if tag == "a" else f"<{tag}>")
        if tag not in _VOID:
            hidden = "display:none" in given.get("style", "").replace(" ", "")
            classes = frozenset(given.get("class", "").split()) | ({"hidden"} if hidden else frozenset())
            self._stack.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        elif tag in _INLINE and tag != "br" and not self._silent:
            self._words.append(f"</{tag}>")
        if tag == "a":
            self._href = ""
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position][0] == tag:
                del self._stack[position:]
                break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(htmllib.escape(data, quote=False))

    def close(self) -> None:
        super().close()
        self._flush()

    @property
    def _silent(self) -> bool:
        return any(tag in _SILENT or "hidden" in classes for tag, classes in self._stack)

    @property
    def _furnished(self) -> bool:
        return any(classes & _FURNITURE for _, classes in self._stack)

    def _picture(self, given: dict[str, str]) -> None:
        hidden = "display:none" in given.get("style", "").replace(" ", "")
        if not self._silent and not hidden:
            self.items.append(
                Item(
                    "picture",
                    src=given.get("src", ""),
                    alt=given.get("alt", ""),
                    href=self._href,
                    width=int(given.get("width", "")) if given.get("width", "").isdigit() else 0,
                    furniture=self._furnished,
                )
            )

    def _flush(self) -> None:
        inline = " ".join("".join(self._words).split())
        self._words.clear()
        if not inline or not plain(inline):
            return
        tags = [tag for tag, _ in self._stack]
        item = Item("words", inline, furniture=self._furnished)
        if any("button" in classes for _, classes in self._stack):
            item = replace(item, kind="button", href=_first_href(inline), html=htmllib.escape(_bare(inline)))
        elif heading := next((tag for tag in tags if tag in ("h1", "h2", "h3", "h4")), None):
            item = replace(item, kind="heading", level=int(heading[1]))
        elif "li" in tags and self._lists:
            count, numbered = self._lists[-1]
            item = replace(item, kind="item", number=count if numbered else 0)
        elif "blockquote" in tags:
            item = replace(item, kind="quote")
        self.items.append(item)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self._links: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.written.append("\n")
        elif tag == "a":
            self._links.append((len(self.written), dict(attrs).get("href") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            start, address = self._links.pop()
            address = address.removeprefix("mailto:")
            if address and address != "".join(self.written[start:]).strip():
                self.written.append(f" <{address}>")

    def handle_data(self, data: str) -> None:
        self.written.append(data)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _first_href(inline: str) -> str:
    return next(_hrefs(inline), "")


def _hrefs(inline: str) -> Iterator[str]:
    for piece in inline.split('href="')[1:]:
        yield htmllib.unescape(piece.partition('"')[0])


def _bare(inline: str) -> str:
    writer = _Plain()
    writer.handle_endtag = lambda tag: None  # type: ignore[method-assign]
    writer.feed(inline)
    return "".join(writer.written).strip()
