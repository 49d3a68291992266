"""Parse lines of source into a tree of text, blocks and conditions.

    ::: button href="https://a.example"      a block; attributes are name="value", the main one needs no name
    :::                                      ends a block that holds text; a block that holds none needs no end

A line of only conditions' tokens ({% if %}, {% else %} or {% endif %}) wraps the lines between; other conditions are
part of the text. Fenced code is always text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compose.blocks import Block, registry
from newsletters.compose.conditional_rows import kept_together
from newsletters.documents.characters import characters
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Line
from newsletters.tokens import Kind, Mint, Token

COPY = "copy"

DIRECTIVE = re.compile(r" {0,3}:{3,}(.*)")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
NAME = re.compile(r"\s*([A-Za-z][\w-]*)")
ATTRIBUTE = re.compile(
    r"""\s+(?:(?P<name>[A-Za-z][\w-]*)=)?(?:(?P<sign>["'])(?P<quoted>(?:(?!(?P=sign))[^\\]|\\.)*)(?P=sign)|(?P<bare>[^\s"'=]+))"""
)
ESCAPED = re.compile(r"\\(.)")
# A line that was meant as a directive: two colons, four spaces before them, or something else at its start.
_ALMOST = re.compile(r"[\s>*+-]*(?:\d+[.)]\s*)?(?::(?:\s*:)+|[：;]{2,})\s*([A-Za-z][\w-]*)?(?=\s|$)")
_WITHIN = re.compile(r"(?<!:):{3,}\s*([A-Za-z][\w-]*)")
CODE_SPAN = re.compile(r"`[^`]*`")
CURLY = re.compile(r"[“”„‟«»‘’‚]")


@dataclass(frozen=True)
class TextNode:
    """Markdown between directives."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class BlockNode:
    """A directive with its checked attributes and its contents."""

    block: Block
    attributes: dict[str, str]
    body: tuple[Node, ...]
    line: Line


@dataclass(frozen=True)
class ConditionNode:
    """Whole blocks or paragraphs that some members see, and what the others see instead."""

    index: int
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    line: Line


Node = TextNode | BlockNode | ConditionNode

# Given a copy block's name, and the line that asks for it: its own tree.
ReadCopy = Callable[[str, Line], Sequence[Node]]


@dataclass
class _OpenDirective:
    """A block or condition that is being read: `branches` are its contents so far."""

    line: Line
    node: BlockNode | None = None
    condition: int | None = None
    branches: list[list[Node]] = field(default_factory=lambda: [[]])


def parse(lines: Sequence[Line], mint: Mint, mistakes: Mistakes, read_copy: ReadCopy) -> tuple[Node, ...]:
    """Return the tree of `lines` and of the copy blocks that they name; raises InputError with file and line.

    `mistakes` may collect the errors instead.
    """
    return _Parser(mint, mistakes, read_copy).parse(kept_together(lines, mint, mistakes))


class _Parser:
    def __init__(self, mint: Mint, mistakes: Mistakes, read_copy: ReadCopy) -> None:
        self._mint = mint
        self._mistakes = mistakes
        self._read_copy = read_copy
        self._ends_to_skip = 0  # of blocks that were not understood
        self._alone = re.compile(rf"\s*(?:{mint.pattern('[BOE]').pattern}\s*)+")
        self._stack: list[_OpenDirective] = []
        self._text: list[Line] = []
        self._comment: Line | None = None  # the first line of the HTML comment that is open

    def parse(self, lines: Sequence[Line]) -> tuple[Node, ...]:
        self._stack = [_OpenDirective(Line("", "", 0))]
        fence = ""
        for each in lines:
            line = each if fence else self._uncommented(each)
            if line is None:
                continue
            fence_line = FENCE.fullmatch(line.text)
            if fence:
                if fence_line and fence_line[1].startswith(fence) and not fence_line[2].strip():
                    fence = ""
                self._text.append(line)
            elif fence_line:
                fence = fence_line[1]
                self._text.append(line)
            elif directive := DIRECTIVE.fullmatch(line.text):
                with self._mistakes:
                    self._directive(directive[1], line)
                    continue
                self._ends_to_skip += 1
            elif self._alone.fullmatch(line.text):
                for token in self._mint.split(line.text):
                    if isinstance(token, Token):
                        with self._mistakes:
                            self._condition(token, line)
            else:
                with self._mistakes:
                    _refuse_almost(line, self._mint.pattern("[BOE]").sub("", line.text))
                self._text.append(line)
        self._flush()
        with self._mistakes:
            if self._comment:
                raise self._comment.wrong("This comment does not end.", "Put --> after it, or write {# … #}.")
            if len(self._stack) > 1:
                raise _unclosed(self._stack[-1])
        return tuple(self._stack[0].branches[0])

    def _uncommented(self, line: Line) -> Line | None:
        """Return `line` without what is in HTML comments of several lines; None if nothing is left."""
        text = line.text
        if self._comment:
            _, end, text = text.partition("-->")
            if not end:
                return None
            self._comment = None
        start = CODE_SPAN.sub(lambda found: " " * len(found[0]), text).rfind("<!--")
        if start >= 0 and "-->" not in text[start:]:
            self._comment, text = line, text[:start]
        return line if text == line.text else replace(line, text=text) if text.strip() else None

    def _directive(self, rest: str, line: Line) -> None:
        self._flush()
        if not rest.strip():
            self._close(line)
            return
        name = NAME.match(rest)
        if name is None:
            known = ", ".join(sorted(registry().blocks))
            raise line.wrong("A directive is written `::: name`.", f"Known: {COPY}, {known}.")
        words, attributes = self._attributes(rest[name.end() :].rstrip(), line)
        if name[1] == COPY:
            if attributes or len(words) != 1:
                raise line.wrong("`::: copy` takes only the name of a copy block.", "Write: ::: copy opening")
            outer = self._outer()
            if outer and outer.holds:
                raise _held_only(outer, line)
            with self._mistakes:
                for node in self._read_copy(words[0], line):
                    self._add(node)
                return
            # Something stands for it, or else the block around it would be called empty too.
            self._add(TextNode((replace(line, text=""),)))
            return
        block = registry().blocks.get(name[1])
        if block is None:
            raise line.wrong(f"There is no block {name[1]!r}.", nearest(name[1], [*registry().blocks, COPY]))
        self._check_within(block, line)
        node = BlockNode(block, block.check(words, attributes, line), (), line)
        if block.body == "none":
            self._add(node)
        else:
            self._stack.append(_OpenDirective(line, node=node))

    def _attributes(self, text: str, line: Line) -> tuple[list[str], dict[str, str]]:
        words: list[str] = []
        attributes: dict[str, str] = {}
        end = 0
        while end < len(text):
            match = ATTRIBUTE.match(text, end)
            if match is None and CURLY.search(text[end:]):
                message = f"These quotes are curly: {text[end:].strip()}"
                raise line.wrong(message, 'Type straight ones: name="value".')
            if match is None:
                raise line.wrong(f"This can't be read: {text[end:].strip()}", 'Attributes are written name="value".')
            end = match.end()
            if CURLY.match(match["bare"] or ""):
                raise line.wrong(f"These quotes are curly: {match['bare']}", 'Type straight ones: name="value".')
            name, value = match["name"], match["bare"] or ESCAPED.sub(r"\1", match["quoted"])
            value = characters(value)
            if name in attributes:
                raise line.wrong(f"The attribute {name!r} is given twice.")
            if name is None:
                words.append(value)
            else:
                attributes[name] = value
        if self._mint.pattern("[BOE]").search(text):
            hint = 'Write {{ "a" if member.city else "b" }}, or put {% if %} around the whole block.'
            raise line.wrong("A condition can't be inside a directive.", hint)
        return words, attributes

    def _close(self, line: Line) -> None:
        top = self._stack[-1]
        if top.condition is not None:
            message = f"The {{% if %}} of line {top.line.number} must end before the block does."
            raise line.wrong(message, "Put {% endif %} above this line.")
        if top.node is None and self._ends_to_skip:
            self._ends_to_skip -= 1
            return
        if top.node is None:
            hint = "A block that holds no text, such as copy or divider, needs no end."
            raise line.wrong("There is nothing to close here.", hint)
        self._stack.pop()
        body = tuple(top.branches[0])
        if top.node.block.body == "required" and not body:
            raise top.line.wrong(f"The block {top.node.block.name!r} holds no text.")
        if top.node.block.holds:
            _check_held(top.node.block, body, top.line)
        self._add(replace(top.node, body=body))

    def _outer(self) -> Block | None:
        """Return the block that the next line is in, or None."""
        return next((each.node.block for each in reversed(self._stack) if each.node), None)

    def _check_within(self, block: Block, line: Line) -> None:
        outer = self._outer()
        if block.within and (outer is None or outer.name != block.within):
            hint = f"Put it between a line of `::: {block.within}` and a line of `:::`."
            raise line.wrong(f"The block {block.name!r} can't be used here.", hint)

    def _condition(self, token: Token, line: Line) -> None:
        self._flush()
        top = self._stack[-1]
        if token.kind is Kind.BEGIN:
            self._stack.append(_OpenDirective(line, condition=token.index))
        elif top.condition != token.index:
            if top.node is not None:
                raise _unclosed(top)
            raise _uneven(line)
        elif token.kind is Kind.OTHERWISE:
            top.branches.append([])
        else:
            self._stack.pop()
            otherwise = top.branches[1] if len(top.branches) > 1 else []
            self._add(ConditionNode(token.index, tuple(top.branches[0]), tuple(otherwise), top.line))

    def _flush(self) -> None:
        while self._text and not self._text[-1].text.strip():
            self._text.pop()
        start = next((position for position, line in enumerate(self._text) if line.text.strip()), 0)
        if self._text:
            self._add(TextNode(tuple(self._text[start:])))
        self._text = []

    def _add(self, node: Node) -> None:
        self._stack[-1].branches[-1].append(node)


def _refuse_almost(line: Line, text: str) -> None:
    """Raise InputError for a line whose `text`, without conditions, was meant as a directive."""
    known = [*registry().blocks, COPY]
    found = _ALMOST.match(text)
    if found and (found[1] is None or get_close_matches(found[1], known, n=1)):
        hint = f"Write it at the start of a line, with three colons: ::: {found[1] or ''}".rstrip()
        raise line.wrong("This is almost a block, and readers would see its signs.", hint)
    if (within := _WITHIN.search(CODE_SPAN.sub("", text))) and within[1] in known:
        hint = f"Put it on a line of its own: ::: {within[1]}"
        raise line.wrong("This block begins in the middle of a line, and readers would see its signs.", hint)


def _unclosed(top: _OpenDirective) -> InputError:
    if top.node is None:
        return _uneven(top.line)
    return top.line.wrong(f"The block {top.node.block.name!r} is not closed.", "Put a line of ::: after its text.")


def _check_held(block: Block, body: Sequence[Node], line: Line) -> None:
    count = _count_held(block, body, line)
    if block.most and count > block.most:
        raise line.wrong(f"The block {block.name!r} has room for {block.most}, not {count}.", "Begin another.")


def _count_held(block: Block, body: Sequence[Node], line: Line) -> int:
    """Return how many blocks `body` shows at most; raises InputError for contents that `block` may not hold."""
    count = 0
    for node in body:
        if isinstance(node, ConditionNode):
            count += max(_count_held(block, branch, line) for branch in (node.then, node.otherwise))
        elif isinstance(node, BlockNode) and node.block.name in block.holds:
            count += 1
        else:
            raise _held_only(block, node.lines[0] if isinstance(node, TextNode) else node.line)
    return count


def _held_only(block: Block, line: Line) -> InputError:
    message = f"The block {block.name!r} holds {' or '.join(block.holds)} blocks, and nothing else."
    return line.wrong(message, f"Write it as `::: {block.holds[0]}`, or outside of the block.")


def _uneven(line: Line) -> InputError:
    message = "{% if %} and {% endif %} must either have lines of their own, or be in one paragraph."
    return line.wrong(message, "Put {% if %}, {% else %} and {% endif %} each on a line of its own.")
