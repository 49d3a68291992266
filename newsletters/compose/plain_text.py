"""Write plain text from the HTML of the words: 72 columns, each link's address after its words.

Every block of text ends with an empty line and a condition's token takes no line of its own, so that a part that is
not shown leaves no gap. Signs that HTML has styles for are written out: ~struck~, 10², H₂O, “quoted”.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletters.compose.item_numbers import ItemNumbers, WriteNumber
from newsletters.tokens import visible_width

WIDTH = 72
UNWRAPPED = 10**9
_WIDEST_BULLET = 11  # Markdown's numbers have at most nine digits

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset({*_HEADINGS, "blockquote", "div", "hr", "ol", "p", "pre", "table", "ul"})
_CONDITIONS = re.compile(r"(?:\s*d[0-9a-f]{8}[BOE]\d+z)*\s*")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BETWEEN_WORDS = re.compile(r"(?<!\d) | (?!\d)")  # telephone numbers and amounts stay in one line
_ROUND_BREAK = re.compile(r"(?<! ) *\n *")
_RAISED = str.maketrans("0123456789+-−=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
# What is only set small and high, as in 1st, 2e and ™, means the same on the line.
_ORDINAL = re.compile(r"(?i)st|nd|rd|th|er|re|e|[eè]me|tm|sm|\W*")
_FEWEST_DIGITS = 6  # of a telephone number

WriteUrl = Callable[[str], str]


def to_text(html: str, write_url: WriteUrl, write_number: WriteNumber, width: int = WIDTH) -> str:
    """Return the plain text of `html`, with each address and each item's number written by a function."""
    return _TextWriter(write_url, write_number).blocks(_nodes(html), width)


def to_paste(html: str, write_url: WriteUrl, write_number: WriteNumber) -> str:
    """Return `html` as unwrapped text for an editor; a form feed before each heading begins a part."""
    return _PasteWriter(write_url, write_number).blocks(_nodes(html), UNWRAPPED)


def _nodes(html: str) -> list[LexborNode]:
    body = LexborHTMLParser(html).body
    return list(body.iter(include_text=True)) if body else []


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return `text` in lines of at most `width` columns, unless a word is longer; its line breaks are kept."""
    return "\n".join(_fill(line, width) for line in text.split("\n"))


def _fill(text: str, width: int) -> str:
    lines, line, room = [], "", width
    for word in _BETWEEN_WORDS.split(text):
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


def as_read(url: str) -> str:
    """Return an address as people read it: without mailto: or tel:, and what a mail program would fill in."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() not in ("mailto", "tel", "sms"):
        return url
    return unquote(rest.partition("?")[0])


def link_text(words: str, url: str) -> str:
    """Return a link inside a sentence: its words, then its address as people read it, or only one if both say it."""
    shown, said = as_read(url), words.strip()
    if not said or not shown or said == shown:
        return words if said else shown
    if shown.startswith(("https://", "http://")):  # whole, so that mail programs make a link of it
        return shown if _without_scheme(said) == _without_scheme(shown) else f"{words} <{shown}>"
    return words if url.startswith(("tel:", "sms:")) and _same_number(said, shown) else f"{words} <{shown}>"


def _without_scheme(url: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url).rstrip("/")


def _same_number(words: str, number: str) -> bool:
    """Return whether `words` are the telephone number, maybe without its country."""
    digits = re.sub(r"\(0\)|\D", "", words).lstrip("0")
    return len(digits) >= _FEWEST_DIGITS and re.sub(r"\D", "", number).endswith(digits)


class _TextWriter:
    def __init__(self, write_url: WriteUrl, write_number: WriteNumber) -> None:
        self._url = write_url
        self._as_typed = False  # inside <pre>
        self._number = write_number

    def blocks(self, nodes: Iterable[LexborNode], width: int, *, tight: bool = False) -> str:
        """Return `nodes` as blocks that end with an empty line; only with a line end if they are `tight`."""
        written = ""
        run: list[LexborNode] = []
        for node in nodes:
            if node.tag in _BLOCKS:
                written += self._paragraph(run, width, tight=tight) + self._block(node, width, tight=tight)
                run = []
            else:
                run.append(node)
        return written + self._paragraph(run, width, tight=tight)

    def _block(self, node: LexborNode, width: int, *, tight: bool) -> str:
        inside = list(node.iter(include_text=True))
        match node.tag:
            case "p":
                return self._paragraph(inside, width)
            case tag if tag in _HEADINGS:
                sign = {"h1": "=", "h2": "-"}.get(str(tag))
                title = self._line(inside)
                return f"{underlined(title, sign) if sign else wrapped(title)}\n\n"
            case "ul" | "ol":
                return self._list(node, width) + ("" if tight else "\n")
            case "blockquote":
                return prefixed(self.blocks(inside, width - 2).rstrip("\n"), "> ", "> ") + "\n\n"
            case "pre":
                self._as_typed = True
                text = self._inline(inside).strip("\n")
                self._as_typed = False
                return prefixed(text, "    ", "    ") + "\n\n"
            case "hr":
                return "* * *\n\n"
            case "table":
                return self._table(node, width)
        return self.blocks(inside, width)

    def _paragraph(self, nodes: Sequence[LexborNode], width: int, *, tight: bool = False) -> str:
        end = "\n" if tight else "\n\n"
        held = [node for node in nodes if node.tag != "-text" or (node.text_content or "").strip()]
        if len(held) == 1 and held[0].tag == "a" and (href := held[0].attributes.get("href")):
            words, url = self._line(held[0].iter(include_text=True)), self._url(href)
            if link_text(words, url) not in (words, as_read(url)):
                return f"{wrapped(words, width)}:\n{as_read(url)}{end}"
        text = self._line(nodes)
        if _CONDITIONS.fullmatch(text):
            return self._marks(text)
        return wrapped(text, width) + end

    def _marks(self, tokens: str) -> str:
        return "".join(tokens.split())

    def _list(self, node: LexborNode, width: int) -> str:
        numbers = ItemNumbers(int(node.attributes.get("start") or 1), self._number)
        written = ""
        for item in node.iter(include_text=True):
            if item.tag != "li":
                numbers.follow(item.text_content or "")
                written += prefixed(self.blocks([item], width - 2, tight=True), "  ", "  ")
                continue
            bullet = f"{numbers.next()}. " if node.tag == "ol" else "- "
            indent = " " * (len(bullet) if len(bullet) <= _WIDEST_BULLET else 3)  # a token is a number of one digit
            inner = self.blocks(item.iter(include_text=True), width - len(indent), tight=True)
            end = "\n\n" if inner.endswith("\n\n") else "\n"
            written += prefixed(inner.rstrip("\n"), bullet, indent) + end
        return written.removesuffix("\n") if written.endswith("\n\n") else written

    def _table(self, node: LexborNode, width: int) -> str:
        written, names = "", [""]
        for number, row in enumerate(_rows(node)):
            if row.tag != "tr":
                written += self._marks(self._line([row]))
                continue
            cells = [cell for cell in row.iter() if cell.tag in ("td", "th")]
            said = [self._cell(cell) for cell in cells]
            if number == 0 and all(cell.tag == "th" for cell in cells) and row.parent and _rows(node)[1:]:
                names = said
                continue
            if names == [""] and len(said) > 1 and cells[0].tag == "th" and cells[1].tag == "td":
                said[:2] = [f"{said[0]}: {said[1]}"]
            pairs = zip_longest(names, said, fillvalue="")
            shown = [f"{name}: {cell}" if name else cell for name, cell in pairs if cell]
            written += prefixed(wrapped(" — ".join(shown), width - 2), "- ", "  ") + "\n" if shown else ""
        return written + "\n" if written else ""

    def _cell(self, cell: LexborNode) -> str:
        """Return a cell in one line; its lines are kept apart."""
        lines = self.blocks(cell.iter(include_text=True), UNWRAPPED).split("\n")
        said = "; ".join(line.strip().removeprefix("- ") for line in lines if line.strip())
        return said.replace(":; http", ": http")

    def _line(self, nodes: Iterable[LexborNode]) -> str:
        return re.sub(r"\n{3,}", "\n\n", _ROUND_BREAK.sub("\n", self._inline(nodes))).strip(" \n")

    def _inline(self, nodes: Iterable[LexborNode]) -> str:
        written = ""
        for piece in map(self._piece, nodes):
            doubled = written.endswith(" ") and piece.startswith(" ") and not self._as_typed
            written += piece[1:] if doubled else piece
        return written

    def _piece(self, node: LexborNode) -> str:
        if node.is_text_node:
            text = (node.text_content or "").replace("\xad", "")
            return text if self._as_typed else _SPACE.sub(" ", text)
        if node.is_comment_node:  # a condition's token, where HTML has room for nothing else
            return node.comment_content or ""
        inside = self._inline(node.iter(include_text=True))
        match node.tag:
            case "br":
                return "\n"
            case "img":
                return self._image(node)
            case "a" if href := node.attributes.get("href"):
                return link_text(inside, self._url(href))
            case "s" | "del" | "strike":
                return _between("~", inside, "~")
            case "q":
                return _between("“", inside, "”")
            case "sup":
                return _off_the_line(inside, _RAISED, "^")
            case "sub":
                return _off_the_line(inside, _LOWERED, "_")
            case "abbr":
                whole = (node.attributes.get("title") or "").strip()
                return f"{inside} ({whole})" if whole and whole != inside.strip() else inside
        return f"\n{inside}\n" if node.tag in _BLOCKS else inside

    def _image(self, node: LexborNode) -> str:
        alt = (node.attributes.get("alt") or "").strip()
        return f"[{alt}]" if alt else ""


def _rows(table: LexborNode) -> list[LexborNode]:
    """Return the rows of a table and the nodes between them; rows of tables inside it are not among them."""
    found: list[LexborNode] = []
    for node in table.iter(include_text=True):
        found += node.iter(include_text=True) if node.tag in ("thead", "tbody", "tfoot") else [node]
    return [node for node in found if not node.is_text_node or (node.text_content or "").strip()]


def _between(opening: str, words: str, closing: str) -> str:
    """Return `words` between two signs, with the space around them left outside."""
    said = words.strip()
    return words.replace(said, f"{opening}{said}{closing}", 1) if said else words


def _off_the_line(words: str, signs: dict[int, int], mark: str) -> str:
    """Return raised or lowered words in signs that are so by themselves, or after a mark; else 10⁶ would be 106."""
    if all(ord(sign) in signs for sign in words):
        return words.translate(signs)
    if mark == "^" and _ORDINAL.fullmatch(words):
        return words
    return mark + (words if words.isalnum() else f"({words})")


class _PasteWriter(_TextWriter):
    def _block(self, node: LexborNode, width: int, *, tight: bool) -> str:
        inside = list(node.iter(include_text=True))
        match node.tag:
            case tag if tag in _HEADINGS:
                return f"\fHEADING\n{self._line(inside)}\n\n"
            case "blockquote":
                return f"QUOTE\n{self.blocks(inside, width)}".replace("\f", "")
            case "ul" | "ol":
                return super()._block(node, width, tight=tight).replace("\f", "")
            case "table":  # with tabs, so that it becomes a table again where it is pasted
                return f"TABLE\n{''.join(map(self._row, _rows(node)))}\n"
        return super()._block(node, width, tight=tight)

    def _row(self, row: LexborNode) -> str:
        if row.tag != "tr":
            return self._line([row])
        cells = [self._cell(cell) for cell in row.iter() if cell.tag in ("td", "th")]
        return "\t".join(cells) + "\n" if cells else ""

    def _marks(self, tokens: str) -> str:
        return "".join(f"{token}\n\n" for token in tokens.split())

    def _image(self, node: LexborNode) -> str:
        alt = node.attributes.get("alt") or "(none: it only decorates)"
        return f"\n\nPICTURE   {node.attributes['src']}\nALT TEXT  {alt}\n\n"
