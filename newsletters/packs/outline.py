"""Outlines: a finished page read back as what it says, for mailboxes and editors that take no layout."""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

_INLINE = frozenset({"a", "strong", "b", "em", "i", "br", "code", "s", "sup", "sub"})
_HEADINGS = ("h1", "h2", "h3", "h4")
_BLOCKS = frozenset(
    ("p", "div", "td", "th", "tr", "table", "li", "ul", "ol", "blockquote", "hr", "img", "pre", "body", *_HEADINGS)
)
_SILENT = frozenset({"head", "style", "title", "script"})
_VOID = frozenset({"img", "br", "hr", "meta", "link", "input"})
_FURNITURE = frozenset({"logo", "small", "wordmark", "masthead", "logos", "furniture"})
# Half of a page is style sheets and what only Outlook reads.
_UNSEEN = re.compile(r"<!--.*?-->|<head\b.*?</head>", re.DOTALL)
# Pages that we wrote ourselves: every `<` opens a tag, and what stands in quotes holds none. A general parser, which
# expects anything, takes ten times as long, and that was a sixth of the time of a pack.
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]*)([^"'<>]*(?:(?:"[^"]*"|'[^']*')[^"'<>]*)*)>|<![^>]*>""")
_ATTRIBUTE = re.compile(r"""([A-Za-z:-]+)="([^"]*)\"""")
_ROUND_BREAK = re.compile(r" *\n *")

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


class _Tag(NamedTuple):
    """A tag of a page; a `name` that begins with / ends its element."""

    name: str
    written: str

    @property
    def attributes(self) -> dict[str, str]:
        return {name: htmllib.unescape(value) for name, value in _ATTRIBUTE.findall(self.written)}


class _OpenTag(NamedTuple):
    """An element that is open, and what follows for all that it holds."""

    name: str
    silent: bool = False
    furnished: bool = False
    button: bool = False


def outline(page: str) -> list[Item]:
    """What `page`, one of our own, says, in order; what only Outlook's comments hold is left out."""
    reader = _PageReader()
    for piece in _pieces(_UNSEEN.sub("", page)):
        reader.read(piece)
    reader.flush()
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
    written: list[str] = []
    links: list[tuple[int, str]] = []
    for piece in _pieces(inline):
        if isinstance(piece, str):
            written.append(htmllib.unescape(piece))
        elif piece.name == "br":
            written.append("\n")
        elif piece.name == "a":
            links.append((len(written), piece.attributes.get("href", "")))
        elif piece.name == "/a" and links:
            start, address = links.pop()
            address = address.removeprefix("mailto:")
            if address and address != "".join(written[start:]).strip():
                written.append(f" <{address}>")
    return _ROUND_BREAK.sub("\n", "".join(written)).strip()


def _kicker(item: Item) -> bool:
    return item.kind == "words" and len(item.text) < 40 and "<a" not in item.html


def _pieces(page: str) -> Iterator[str | _Tag]:
    """Text, still escaped, and tags, in order."""
    end = 0
    for match in _TAG.finditer(page):
        if match.start() > end:
            yield page[end : match.start()]
        end = match.end()
        if match[2]:
            yield _Tag(match[1] + match[2].lower(), match[3])
    if end < len(page):
        yield page[end:]


class _PageReader:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self._stack = [_OpenTag("")]
        self._words: list[str] = []
        self._lists: list[list[int]] = []
        self._href = ""

    def read(self, piece: str | _Tag) -> None:
        if isinstance(piece, str):
            if not self._stack[-1].silent:
                self._words.append(piece if piece.isspace() else htmllib.escape(htmllib.unescape(piece), quote=False))
        elif piece.name.startswith("/"):
            self._end(piece.name[1:])
        else:
            self._start(piece)

    def flush(self) -> None:
        """Make an item of the words so far."""
        inline = " ".join("".join(self._words).split())
        self._words.clear()
        if not inline or not plain(inline):
            return
        here = self._stack[-1]
        tags = {element.name for element in self._stack}
        item = Item("words", inline, furniture=here.furnished)
        if here.button:
            item = replace(item, kind="button", href=_first_href(inline), html=htmllib.escape(_bare(inline)))
        elif heading := next((tag for tag in _HEADINGS if tag in tags), None):
            item = replace(item, kind="heading", level=int(heading[1]))
        elif "li" in tags and self._lists:
            count, numbered = self._lists[-1]
            item = replace(item, kind="item", number=count if numbered else 0)
        elif "blockquote" in tags:
            item = replace(item, kind="quote")
        self.items.append(item)

    def _start(self, tag: _Tag) -> None:
        name, outer = tag.name, self._stack[-1]
        if name in _BLOCKS:
            self.flush()
        if name == "a":
            self._href = tag.attributes.get("href", "")
        elif name in ("ul", "ol"):
            self._lists.append([0, int(name == "ol")])
        elif name == "li" and self._lists:
            self._lists[-1][0] += 1
        if name == "img":
            self._picture(tag.attributes)
        elif name in _INLINE and not outer.silent:
            self._words.append(f'<a href="{htmllib.escape(self._href)}">' if name == "a" else f"<{name}>")
        if name not in _VOID:
            self._stack.append(_opened(tag, outer))

    def _end(self, name: str) -> None:
        if name in _BLOCKS:
            self.flush()
        elif name in _INLINE and name != "br" and not self._stack[-1].silent:
            self._words.append(f"</{name}>")
        if name == "a":
            self._href = ""
        if name in ("ul", "ol") and self._lists:
            self._lists.pop()
        for position in range(len(self._stack) - 1, 0, -1):
            if self._stack[position].name == name:
                del self._stack[position:]
                break

    def _picture(self, given: dict[str, str]) -> None:
        here = self._stack[-1]
        if here.silent or _hidden(given.get("style", "")):
            return
        width = given.get("width", "")
        self.items.append(
            Item(
                "picture", src=given.get("src", ""), alt=given.get("alt", ""), href=self._href,
                width=int(width) if width.isdecimal() else 0, furniture=here.furnished,
            )
        )  # fmt: skip


def _opened(tag: _Tag, outer: _OpenTag) -> _OpenTag:
    """The element that `tag` opens inside `outer`."""
    given = tag.attributes if "class=" in tag.written or "display" in tag.written else {}
    classes = given.get("class", "").split()
    return _OpenTag(
        tag.name,
        silent=outer.silent or tag.name in _SILENT or _hidden(given.get("style", "")),
        furnished=outer.furnished or not _FURNITURE.isdisjoint(classes),
        button=outer.button or "button" in classes,
    )


def _hidden(style: str) -> bool:
    return "display:none" in style.replace(" ", "")


def _first_href(inline: str) -> str:
    hrefs = (piece.attributes["href"] for piece in _pieces(inline) if isinstance(piece, _Tag) and piece.name == "a")
    return next(hrefs, "")


def _bare(inline: str) -> str:
    return "".join(htmllib.unescape(piece) for piece in _pieces(inline) if isinstance(piece, str)).strip()
