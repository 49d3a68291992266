"""Parse the Markdown of a newsletter into tokens, from which both HTML and plain text are written.

Conditions inside a paragraph become tokens of their own and must open and close within the same words. One that
holds a whole paragraph or list item is moved outside it, so that no empty paragraph is left if it does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NoReturn

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token as Mark

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.expressions.parse import Expressions, Line
from newsletters.tokens import CONDITIONALS, Kind, Token

# HTML that staff may write inside Markdown; what it may carry is listed, the rest is an error.
_TAGS = """
a abbr b blockquote br cite code del div em h2 h3 h4 h5 h6 hr i ins li mark ol p pre q s small span strong sub sup
table tbody td th thead tr u ul
"""
ALLOWED_TAGS = frozenset(_TAGS.split())
ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "td": {"align"}, "th": {"align"}, "*": {"lang", "dir"}}

# HTML lets these end with what holds them.
_ENDS_BY_ITSELF = frozenset({"br", "hr", "p", "li", "td", "th", "tr", "thead", "tbody"})
_DEEPEST = 20  # levels of Markdown's tokens; each list takes two

_ROW = 2  # level of the rows of a table that is in no list or quote

CONDITION = "condition"
_LIFTED = frozenset({"paragraph", "heading", "list_item", "bullet_list", "ordered_list", "blockquote"})
_HTML_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)([^>]*)>")
_HTML_ATTRIBUTE = re.compile(r"""([A-Za-z_:][\w:.-]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REST_OF_ADDRESS = re.compile(r"://(?:[^\s<>\"`\[\]|\\&]|&(?!#?\w+;))+")
_ENDS_A_SENTENCE = ".,:;!?*_~')"
_BETWEEN_ROWS = re.compile(r"<!--d[0-9a-f]{8}[BOE]\d+z-->")
_WRITE_PICTURE = "Write ![what it shows](name), with the name of an image of the toolkit or beside the document."
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]")
_VOID = re.compile(r"<(br|hr)([^>]*?)\s*/?>")


@dataclass(frozen=True)
class Words:
    """A stretch of Markdown as tokens, with the lines that it was written on."""

    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]

    def line_of(self, mark: Mark) -> Line:
        """Return the line of a token."""
        return self.lines[min(mark.map[0] if mark.map else 0, len(self.lines) - 1)]


# Given an image's name, its alt text or None, and the line: the attributes of <img>.
ShowImage = Callable[[str, str | None, Line], dict[str, str]]
CheckUrl = Callable[[str, Line], object]


def read_words(lines: Sequence[Line], expressions: Expressions) -> Words:
    """Return the tokens of `lines`; raises InputError for HTML that is not allowed and for uneven conditions."""
    references: dict[str, Any] = {}
    words = Words(tuple(_parser().parse("\n".join(line.text for line in lines), references)), tuple(lines))
    _refuse_footnotes(words, references.get("references", {}))
    _refuse_depth(words)
    _refuse_lost(words, expressions)
    _refuse_lost_cells(words, expressions)
    _refuse_lost_references(words, references.get("references", {}))
    marks = _without_rows(list(words.marks), expressions)
    words = Words(tuple(marks), words.lines)
    for mark in marks:
        if mark.type == "inline":
            mark.children = list(_split_conditions(mark.children or [], expressions))
            _check_nesting(mark.children, expressions)
            for child in mark.children:
                if child.type == "html_inline":
                    child.content = _uncommented(child.content)
                    _check_html(child.content, words.line_of(mark), expressions)
        elif mark.type == "html_block":
            mark.content = _uncommented(mark.content)
            _check_html(mark.content, words.line_of(mark), expressions)
    _refuse_unclosed(words)
    return Words(tuple(_lifted(marks)), words.lines)


def _refuse_lost(words: Words, expressions: Expressions) -> None:
    """Raise InputError for a condition that Markdown drops, such as one behind the last cell of a row."""
    token = expressions.mint.pattern("[BOE]")
    kept = {found[0] for mark in words.marks for found in token.finditer(mark.content)}
    for line in words.lines:
        for found in token.finditer(line.text):
            if found[0] not in kept:
                _uneven(int(found[2]), expressions)


def _refuse_lost_cells(words: Words, expressions: Expressions) -> None:
    """Raise InputError for a row with more cells than its table has columns, which Markdown drops."""
    rows = [at for at, mark in enumerate(words.marks) if mark.type == "tr_open" and mark.level == _ROW]
    for at in rows:
        end = next(after for after in range(at, len(words.marks)) if words.marks[after].type == "tr_close")
        columns = sum(mark.type in ("td_open", "th_open") for mark in words.marks[at:end])
        line = words.line_of(words.marks[at])
        text = expressions.mint.pattern("[BOE]").sub("", line.text).strip().removeprefix("|").removesuffix("|")
        if any(cell.strip() for cell in escapedSplit(text)[columns:]):
            raise line.wrong(
                f"This row has more cells than the {columns} columns of its table, and would lose them.",
                r"Give each column a heading; a | inside a cell is written \|.",
            )


def _refuse_lost_references(words: Words, references: Mapping[str, Any]) -> None:
    """Raise InputError for an address such as `[x]: https://…` that no link uses, so that its line would be lost."""
    used = {child.attrGet(key) for mark in words.marks for child in mark.children or [] for key in ("href", "src")}
    for reference in references.values():
        if reference["href"] not in used and not reference["href"].startswith("#"):  # [//]: # (a comment)
            line = words.lines[reference["map"][0]]
            raise line.wrong("Nothing uses this address, and readers would not see it.", "Write [words](https://…).")


def _refuse_depth(words: Words) -> None:
    """Raise InputError for lists and quotes so deep that no phone has room for them."""
    for mark in words.marks:
        if mark.level > _DEEPEST and mark.map and mark.type != "inline":
            raise words.line_of(mark).wrong(
                "Lists and quotes are nested too deeply here.", f"Use at most {_DEEPEST // 2} levels."
            )


def _refuse_unclosed(words: Words) -> None:
    """Raise InputError for an HTML tag without an end, which would format the rest of the text, or without a start."""
    opened: list[tuple[str, Line]] = []
    for mark in words.marks:
        pieces = mark.children or [] if mark.type == "inline" else [mark]
        for piece in pieces:
            if piece.type not in ("html_inline", "html_block"):
                continue
            for found in html_tags(piece.content):
                tag = found[2].lower()
                line = words.line_of(mark)
                line = replace(line, number=line.number + piece.content.count("\n", 0, found.start()))
                if tag not in ALLOWED_TAGS - _ENDS_BY_ITSELF or found[3].endswith("/"):
                    continue
                if not found[1]:
                    opened.append((tag, line))
                    continue
                at = next((at for at in range(len(opened) - 1, -1, -1) if opened[at][0] == tag), None)
                if at is None:
                    raise line.wrong(f"This </{found[2]}> closes nothing.", f"Delete it, or put <{tag}> before it.")
                del opened[at]
    if opened:
        tag, line = opened[-1]
        raise line.wrong(f"The HTML tag <{tag}> is not closed.", f"Put </{tag}> after its words.")


def _refuse_footnotes(words: Words, references: Mapping[str, Any]) -> None:
    """Raise InputError for `[^1]`, and for its note, which Markdown would read as a link."""
    for name, reference in references.items():
        if name.startswith("^"):
            raise _footnote(f"[{name.lower()}]", words.lines[reference["map"][0]])
    for mark in words.marks:
        for child in mark.children or []:
            if child.type == "text" and (found := _FOOTNOTE.search(child.content)):
                here = next(line for line in words.lines[mark.map[0] if mark.map else 0 :] if found[0] in line.text)
                raise _footnote(found[0], here)


def _footnote(written: str, line: Line) -> InputError:
    return line.wrong(
        f"There are no footnotes in an email: {written}.", "Say it in the sentence, or in brackets after it."
    )


def to_html(words: Words, show_image: ShowImage, check_url: CheckUrl) -> str:
    """Return well-formed HTML for the inside of `mj-text`; raises InputError for a link or image that can't be used."""
    line = words.lines[0]
    raw, shown = False, set()
    for mark in words.marks:
        line = words.line_of(mark) if mark.map else line
        raw = raw or mark.type == "html_block"
        for child in mark.children or []:
            raw = raw or child.type == "html_inline"
            if child.type == "link_open":
                check_url(str(child.attrGet("href") or ""), line)
            elif child.type == "image":
                alt = child.content if child.content.strip() else None
                child.meta = {"attributes": show_image(str(child.attrGet("src") or ""), alt, line)}
                shown.add(child.meta["attributes"]["src"])
    parser = _parser()
    html = str(parser.renderer.render(list(words.marks), parser.options, {}))
    return _tidied(html, shown, line) if raw else html


@cache
def _parser() -> MarkdownIt:
    # What is deeper than `maxNesting` is dropped in silence: more than we take, so that it is found.
    parser = MarkdownIt("commonmark", {"html": True, "xhtmlOut": True, "maxNesting": 2 * _DEEPEST}).enable(
        ["table", "strikethrough"]
    )
    parser.add_render_rule(CONDITION, _condition)
    parser.add_render_rule("image", _image)
    parser.inline.ruler.after("text", "address", _address)
    return parser


def _address(state: StateInline, silent: bool) -> bool:
    """Take a bare address as it is written: its signs, such as _ and *, format nothing."""
    if not state.src.endswith(("http", "https"), 0, state.pos):
        return False
    found = _REST_OF_ADDRESS.match(state.src, state.pos)
    if not found:
        return False
    rest = found[0].rstrip(_ENDS_A_SENTENCE)
    if not silent:
        state.pending += rest
    state.pos += len(rest)
    return len(rest) > 0


def _image(self: object, marks: Sequence[Mark], index: int, options: object, env: object) -> str:
    written = "".join(f' {key}="{escapeHtml(value)}"' for key, value in marks[index].meta["attributes"].items())
    return f"<img{written} />"


def _condition(self: object, marks: Sequence[Mark], index: int, options: object, env: object) -> str:
    # A browser's parser would move bare text out of a table.
    mark = marks[index]
    return f"<!--{mark.content}-->" if mark.meta.get("row") else mark.content


def _without_rows(marks: list[Mark], expressions: Expressions) -> list[Mark]:
    """Return `marks` with rows and items that hold only a condition's token as that condition."""
    alone = re.compile(rf"(?:{expressions.mint.pattern('[BOE]').pattern})")
    for at in range(len(marks) - 3, 1, -1):
        if marks[at].type == "inline" and alone.fullmatch(marks[at].content):
            row = marks[at - 2].type == "tr_open"
            if not row and (marks[at - 2].type, marks[at + 2].type) != ("list_item_open", "list_item_close"):
                continue
            end = next(after for after in range(at, len(marks)) if marks[after].type in ("tr_close", "list_item_close"))
            (token,) = expressions.mint.split(marks[at].content)
            marks[at - 2 : end + 1] = [
                Mark(CONDITION, "", 0, content=marks[at].content, meta={"token": token, "row": row}, map=marks[at].map)
            ]
    _check_nesting([mark for mark in marks if mark.nesting or mark.type == CONDITION], expressions)
    for at in range(len(marks) - 1):
        if marks[at].type.endswith("_list_open") and marks[at + 1].type == CONDITION:
            _put_outside(marks, at)
    return marks


def _put_outside(marks: list[Mark], at: int) -> None:
    """Put a condition without an else that holds all items of the list that opens `at` around the list."""
    end = next(after for after in range(at, len(marks)) if marks[after].type.endswith("_list_close")
               and marks[after].level == marks[at].level)  # fmt: skip
    index = marks[at + 1].meta["token"].index
    kinds = [
        mark.meta["token"].kind
        for mark in marks[at:end]
        if mark.type == CONDITION and mark.meta["token"].index == index
    ]
    if (
        kinds == [Kind.BEGIN, Kind.END]
        and marks[end - 1].meta.get("token")
        and marks[end - 1].meta["token"].index == index
    ):
        marks[at], marks[at + 1] = marks[at + 1], marks[at]
        marks[end - 1], marks[end] = marks[end], marks[end - 1]


def _split_conditions(children: Sequence[Mark], expressions: Expressions) -> Iterator[Mark]:
    """Yield the same tokens, with each condition's token taken out of the text."""
    for child in children:
        if child.type != "text":
            yield child
            continue
        literal = ""
        for piece in expressions.mint.split(child.content):
            if isinstance(piece, Token) and piece.kind in CONDITIONALS:
                if literal:
                    yield Mark("text", "", 0, content=literal)
                literal = ""
                yield Mark(CONDITION, "", 0, content=piece.text, meta={"token": piece})
            else:
                literal += piece if isinstance(piece, str) else piece.text
        if literal:
            yield Mark("text", "", 0, content=literal)


def _check_nesting(children: Sequence[Mark], expressions: Expressions) -> None:
    within: list[int] = [0]
    begun: dict[int, tuple[int, ...]] = {}
    for number, child in enumerate(children, start=1):
        if child.nesting == 1:
            within.append(number)
        elif child.nesting == -1:
            within.pop()
        elif child.type == CONDITION:
            token: Token = child.meta["token"]
            if token.kind is Kind.BEGIN:
                begun[token.index] = tuple(within)
            elif begun.get(token.index) != tuple(within):
                _uneven(token.index, expressions)
            elif token.kind is Kind.END:
                del begun[token.index]
        elif child.type != "html_inline":
            held = child.content + " ".join(str(value) for value in child.attrs.values())
            if stray := expressions.mint.pattern("[BOE]").search(held):
                _uneven(int(stray[2]), expressions)
    for index in begun:
        _uneven(index, expressions)


def _uneven(index: int, expressions: Expressions) -> NoReturn:
    found = expressions.conditions[index]
    raise InputError(
        "This condition does not open and close within the same words.", file=found.file, line=found.line,
        hint="Put {% if %}, {% else %} and {% endif %} in one sentence, outside of code and of links' addresses, "
        "or each on a line of its own.",
    )  # fmt: skip


def _lifted(marks: list[Mark]) -> list[Mark]:
    position = 0
    while position < len(marks):
        mark = marks[position]
        branches = _whole_condition(mark.children or []) if mark.type == "inline" else None
        if branches:
            low, high = _holders(marks, position)
            if low < position:
                opening, closing = marks[low:position], marks[position + 1 : high + 1]
                lifted: list[Mark] = []
                for token, children in branches:
                    lifted.append(token)
                    if children is not None:
                        inline = Mark("inline", "", 0, map=mark.map, children=children, content=" ")
                        lifted += [*opening, inline, *closing]
                marks[low : high + 1] = lifted
                position = low
        position += 1
    return marks


def _whole_condition(children: Sequence[Mark]) -> list[tuple[Mark, list[Mark] | None]] | None:
    """Return the branches if `children` are one whole condition; the last is its end, without words."""
    if len(children) < 2 or children[0].type != CONDITION or children[-1].type != CONDITION:
        return None
    index = children[0].meta["token"].index
    if children[-1].meta["token"].index != index:
        return None
    branches: list[tuple[Mark, list[Mark] | None]] = []
    words: list[Mark] = []
    for child in children:
        if child.type == CONDITION and child.meta["token"].index == index:
            words = []
            branches.append((child, None if child.meta["token"].kind is Kind.END else words))
        else:
            words.append(child)
    # An empty branch shows nothing: no paragraph is needed for it.
    return [(token, held or None) for token, held in branches]


def _holders(marks: Sequence[Mark], position: int) -> tuple[int, int]:
    low = high = position
    while low > 0 and high < len(marks) - 1:
        before, after = marks[low - 1], marks[high + 1]
        kind = before.type.removesuffix("_open")
        if before.nesting != 1 or after.type != f"{kind}_close" or kind not in _LIFTED:
            break
        low, high = low - 1, high + 1
    return low, high


def html_tags(content: str) -> Iterator[re.Match[str]]:
    """Yield the tags of HTML, each with its slash, name and attributes, whose values may hold a "<"."""
    # Behind the last end no tag is looked for: many open ones would take forever.
    return _HTML_TAG.finditer(content, 0, content.rfind(">") + 1)


def _uncommented(content: str) -> str:
    # Below the last end no comment is looked through: many open ones would take forever.
    head, end, rest = content.rpartition("-->")
    return _HTML_COMMENT.sub("", head + end) + rest


def _check_html(content: str, line: Line, expressions: Expressions) -> None:
    if expressions.mint.pattern("[BOE]").search(content):
        raise line.wrong("A condition can't be inside HTML.", "Put {% if %} around all of it.")
    content = _uncommented(content)  # a second time: the first may have made another of what was around it
    if content.lstrip().startswith(("<!", "<?")):
        raise line.wrong("This kind of HTML can't be used in a newsletter.")
    for match in html_tags(content):
        # Lines are counted inside the block, so that a long one leads to the very tag.
        at = replace(line, number=line.number + content.count("\n", 0, match.start()))
        tag = match[2].lower()
        if tag not in ALLOWED_TAGS:
            raise at.wrong(f"The HTML tag <{match[2]}> can't be used in a newsletter.", nearest(tag, ALLOWED_TAGS))
        for attribute in _HTML_ATTRIBUTE.findall(match[3]):
            if attribute[0].lower() not in ALLOWED_ATTRIBUTES.get(tag, set()) | ALLOWED_ATTRIBUTES["*"]:
                raise at.wrong(f"The attribute {attribute[0]!r} of <{match[2]}> can't be used in a newsletter.")


def _tidied(html: str, pictures: Set[str], line: Line) -> str:
    """Return `html` as a browser's parser reads it: it finds tags and comments that no pattern does."""
    strange: list[str] = []

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src" and value not in pictures:
            strange.append(value)
            return None
        return value

    clean = nh3.clean(
        html,
        tags=set(ALLOWED_TAGS) | {"h1", "img"},
        attributes={
            **ALLOWED_ATTRIBUTES, "img": {"src", "alt", "width", "height", "class", "title"}, "ol": {"start"},
            "code": {"class"}, "td": {"align", "style"}, "th": {"align", "style"},
        },
        attribute_filter=allowed,
        filter_style_properties={"text-align"},  # as Markdown's own tables have it
        url_schemes={"http", "https", "mailto", "tel", "sms"},
        link_rel=None,
        strip_comments=False,
    )  # fmt: skip
    if strange:
        raise line.wrong("A picture can't be shown by an HTML tag.", _WRITE_PICTURE)
    clean = _HTML_COMMENT.sub(lambda comment: comment[0] if _BETWEEN_ROWS.fullmatch(comment[0]) else "", clean)
    return _VOID.sub(r"<\1\2 />", re.sub(r"<img([^>]*?)\s*/?>", r"<img\1 />", clean))
