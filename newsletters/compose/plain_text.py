"""Write plain text from the same Markdown as the HTML: 72 columns, each link's address after its words.

Every block of text ends with an empty line and a condition's token takes no line of its own, so that a part that is
not shown leaves no gap.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

from markdown_it.tree import SyntaxTreeNode

from newsletters.compose.markdown import CONDITION, Words
from newsletters.tokens import visible_width

WIDTH = 72
_UNWRAPPED = 10**9

_TAG = re.compile(r"(<[^>]*>)")
_OPENING_A = re.compile(r"""<a\b[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_END_OF_LINE = re.compile(r"</(?:p|div|h\d|li|tr|blockquote)>", re.IGNORECASE)

WriteUrl = Callable[[str], str]


def to_text(words: Words, write_url: WriteUrl, width: int = WIDTH) -> str:
    """Return the plain text of `words`, with each address written by `write_url`."""
    return _TextWriter(write_url).blocks(SyntaxTreeNode(list(words.marks)).children, width)


def to_paste(words: Words, write_url: WriteUrl) -> str:
    """Return `words` as unwrapped text for an editor; a form feed before each heading begins a part."""
    return _PasteWriter(write_url).blocks(SyntaxTreeNode(list(words.marks)).children, _UNWRAPPED)


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return `text` in lines of at most `width` columns, unless a word is longer; its line breaks are kept."""
    return "\n".join(_fill(line, width) for line in text.split("\n"))


def _fill(text: str, width: int) -> str:
    lines, line, room = [], "", width
    for word in text.split(" "):
        wide = visible_width(word)
        if line and wide + 1 > room:
            lines.append(line)
            line, room = word, width - wide
        else:
            line, room = (f"{line} {word}", room - wide - 1) if line else (word, room - wide)
    return "\n".join([*lines, line])


def underlined(text: str, sign: str) -> str:
    """Return `text` with a line of `sign` below it."""
    filled = wrapped(text)
    return f"{filled}\n{sign * min(WIDTH, max(visible_width(line) for line in filled.splitlines() or ['']))}"


def prefixed(text: str, first: str, rest: str) -> str:
    """Return `text` with `first` before its first line and `rest` before the others, except before blank lines."""
    lines = text.split("\n")
    return "\n".join(
        (rest if number else first) + line if visible_width(line) else line for number, line in enumerate(lines)
    )


def link_text(words: str, url: str) -> str:
    """Return a link inside a sentence: its words, then its address, or only one if both are the same."""
    same = words.strip() in ("", url, url.removeprefix("mailto:"), url.removeprefix("https://").rstrip("/"))
    return url.removeprefix("mailto:") if same else f"{words} <{url.removeprefix('mailto:')}>"


class _TextWriter:
    def __init__(self, write_url: WriteUrl) -> None:
        self._url = write_url

    def blocks(self, nodes: Iterable[SyntaxTreeNode], width: int) -> str:
        return "".join(self._block(node, width) for node in nodes)

    def _block(self, node: SyntaxTreeNode, width: int) -> str:
        match node.type:
            case "condition":
                return node.content
            case "paragraph":
                return self._paragraph(node, width)
            case "heading":
                sign = {"h1": "=", "h2": "-"}.get(node.tag)
                title = self._inline(node.children)
                return f"{underlined(title, sign) if sign else wrapped(title)}\n\n"
            case "bullet_list" | "ordered_list":
                return self._list(node, width)
            case "blockquote":
                return prefixed(self.blocks(node.children, width - 2).rstrip("\n"), "> ", "> ") + "\n\n"
            case "fence" | "code_block":
                return prefixed(node.content.rstrip("\n"), "    ", "    ") + "\n\n"
            case "hr":
                return "* * *\n\n"
            case "table":
                return self._table(node, width)
            case "html_block":
                return self._html(node.content, width)
        return self.blocks(node.children, width)

    def _paragraph(self, node: SyntaxTreeNode, width: int) -> str:
        children = node.children[0].children if node.children else []
        end = "\n" if node.hidden else "\n\n"
        if len(children) == 1 and children[0].type == "link":
            words, url = self._inline(children[0].children), self._url(str(children[0].attrs.get("href", "")))
            if "<" in link_text(words, url):
                return f"{wrapped(words, width)}:\n{url.removeprefix('mailto:')}{end}"
        text = self._inline(node.children)
        return wrapped(text, width) + end if text.strip() else ""

    def _list(self, node: SyntaxTreeNode, width: int) -> str:
        number = int(node.attrs.get("start", 1)) - 1
        written = ""
        tight = True
        for item in node.children:
            if item.type == CONDITION:
                written += item.content
                continue
            number += 1
            bullet = f"{number}. " if node.type == "ordered_list" else "- "
            inner = self.blocks(item.children, width - len(bullet))
            tight = tight and not inner.endswith("\n\n")
            written += prefixed(inner.rstrip("\n"), bullet, " " * len(bullet)) + (
                "\n\n" if inner.endswith("\n\n") else "\n"
            )
        return written + ("\n" if tight else "")

    def _table(self, node: SyntaxTreeNode, width: int) -> str:
        rows = [
            [self._inline(cell.children) for cell in row.children] for part in node.children for row in part.children
        ]
        head, *body = rows
        written = []
        for row in body:
            cells = [
                f"{name}: {cell}" if name.strip() else cell
                for name, cell in zip(head, row, strict=False)
                if cell.strip()
            ]
            written.append(prefixed(wrapped(" — ".join(cells), width - 2), "- ", "  "))
        return "\n".join(written) + "\n\n" if written else ""

    def _inline(self, nodes: Iterable[SyntaxTreeNode]) -> str:
        written: list[str] = []
        open_links: list[tuple[int, str]] = []
        for node in nodes:
            match node.type:
                case "inline" | "strong" | "em" | "s":
                    written.append(self._inline(node.children))
                case "text" | "code_inline" | "condition":
                    written.append(node.content)
                case "softbreak":
                    written.append(" ")
                case "hardbreak":
                    written.append("\n")
                case "image":
                    written.append(self._image(node))
                case "link":
                    written.append(link_text(self._inline(node.children), self._url(str(node.attrs.get("href", "")))))
                case "html_inline":
                    self._tag(node.content, written, open_links)
        return "".join(written)

    def _image(self, node: SyntaxTreeNode) -> str:
        return f"[{node.content}]" if node.content.strip() else ""

    def _tag(self, tag: str, written: list[str], open_links: list[tuple[int, str]]) -> None:
        """Add what text has for an HTML tag to the pieces `written`; links remember where their words begin."""
        if opening := _OPENING_A.match(tag):
            open_links.append(
                (len(written), html.unescape(next(group for group in opening.groups() if group is not None)))
            )
        elif tag.lower().startswith("</a") and open_links:
            start, url = open_links.pop()
            written[start:] = [link_text("".join(written[start:]), self._url(url))]
        elif tag.lower().startswith("<br"):
            written.append("\n")

    def _html(self, content: str, width: int) -> str:
        written: list[str] = []
        open_links: list[tuple[int, str]] = []
        for at, piece in enumerate(_TAG.split(" ".join(content.split()))):
            if at % 2 == 0:
                written.append(html.unescape(piece))
            elif _END_OF_LINE.match(piece):
                written.append("\n")
            else:
                self._tag(piece, written, open_links)
        lines = [line.strip() for line in "".join(written).split("\n") if line.strip()]
        return wrapped("\n".join(lines), width) + "\n\n" if lines else ""


class _PasteWriter(_TextWriter):
    def _block(self, node: SyntaxTreeNode, width: int) -> str:
        match node.type:
            case "heading":
                return f"\fHEADING\n{self._inline(node.children)}\n\n"
            case "blockquote":
                return f"QUOTE\n{self.blocks(node.children, width)}".replace("\f", "")
            case "bullet_list" | "ordered_list":
                return self._list(node, width).replace("\f", "")
            case "table":
                return f"TABLE\n{self.blocks(node.children, width)}\n"
            case "tr":  # with tabs, so that it becomes a table again where it is pasted
                return "\t".join(self._inline(cell.children) for cell in node.children) + "\n"
            case "condition":
                return f"{node.content}\n\n"
        return super()._block(node, width)

    def _image(self, node: SyntaxTreeNode) -> str:
        shown = node.meta["attributes"]
        return f"\n\nPICTURE   {shown['src']}\nALT TEXT  {shown['alt'] or '(none: it only decorates)'}\n\n"
