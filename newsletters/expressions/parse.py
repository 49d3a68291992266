"""Read the {{ … }} and {% … %} of a document: constants become text, members' fields become slots and conditions.

Jinja2 parses; `to_tree` lists what documents may use of it, and `not_allowed` says what to write instead of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from daisychain.errors import InputError
from newsletters.compiled import Condition, Tree
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.broken_tags import broken_tags, tags
from newsletters.expressions.not_allowed import not_allowed, unreadable
from newsletters.expressions.to_tree import TreeBuilder
from newsletters.expressions.trees import fields_of
from newsletters.tokens import Kind, Mint

# Used as a parser only: nothing that staff write is run by Jinja2.
ENVIRONMENT = Environment(keep_trailing_newline=True, autoescape=True)

_JOINS_LINES = re.compile(r"\A\{[{%#]-|-[}%#]\}\Z")

# Marks the place of a statement: a line that holds nothing else is dropped, as its author would expect.
_STATEMENT = "\0"

# Written in place of an expression with an error, so that the text around it can still be read.
STAND_IN = "…"


@dataclass(frozen=True)
class Line:
    """A line of source with its expressions evaluated, and where its author wrote it."""

    text: str
    file: str
    number: int

    def wrong(self, message: str, hint: str = "") -> InputError:
        """Return the error `message` at this line."""
        return InputError(message, file=self.file, line=self.number, hint=hint)


@dataclass(frozen=True)
class Found:
    """A member expression with its place."""

    tree: Tree
    file: str
    line: int


@dataclass
class Expressions:
    """All member expressions and conditions of one compile; a token's index is its place here."""

    mint: Mint
    fields: frozenset[str]
    names: Mapping[str, Any]
    mistakes: Mistakes = field(default_factory=Mistakes)
    unknown: set[str] | None = None  # gathers unknown fields, which are then empty; None: they are errors
    slots: list[Found] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    @property
    def used_fields(self) -> tuple[str, ...]:
        """Return the member fields that the email reads, sorted."""
        trees = [found.tree for found in self.slots] + [condition.test for condition in self.conditions]
        return tuple(sorted({name for tree in trees for name in fields_of(tree)}))

    def evaluate(self, text: str, file: str, first_line: int) -> list[Line]:
        """Return the lines of `text`, which begins on `first_line` of `file`, with tokens for members' fields."""
        walk = _Walk(self, file, first_line - 1)
        try:
            walk.statements(self._parsed(text, file, first_line).body)
        except ValueError:  # Python reads numbers of at most 4,300 digits
            raise InputError("A number here is too long.", file=file, line=first_line) from None
        except RecursionError:
            raise InputError("An expression is nested too deeply.", file=file, line=walk.line) from None
        return walk.lines()

    def _parsed(self, text: str, file: str, first_line: int) -> nodes.Template:
        """Return Jinja2's reading of `text`; with mistakes that collect, without the tags that it can't read."""
        # With a minus Jinja2 would join lines, and so the rows of a table or the items of a list.
        spaced = [(each, _JOINS_LINES.sub(lambda sign: sign[0].replace("-", " "), each[0])) for each in tags(text)]
        text = _replaced(text, ((each.start(), each.end(), instead) for each, instead in spaced))
        try:
            return ENVIRONMENT.parse(text)
        except TemplateSyntaxError as error:
            broken = sorted(broken_tags(text, ENVIRONMENT, STAND_IN), key=lambda tag: tag.at)
            line, before = first_line, 0
            for tag in broken:
                line, before = line + text.count("\n", before, tag.at), tag.at
                with self.mistakes:
                    raise InputError(tag.message, file=file, line=line, hint=tag.hint) from None
            by_place = sorted(broken, key=lambda tag: tag.start)
            text = _replaced(text, ((tag.start, tag.end, tag.instead) for tag in by_place))
            try:
                return ENVIRONMENT.parse(text)
            except TemplateSyntaxError:
                raise unreadable(error, file, first_line) from None


def _replaced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return `text` with other words from one place to another, each change after the one before."""
    pieces, at = [], 0
    for start, end, instead in changes:
        pieces += [text[at:start], instead]
        at = end
    return "".join([*pieces, text[at:]])


class _Walk:
    """Walks one template and writes its lines."""

    def __init__(self, expressions: Expressions, file: str, offset: int) -> None:
        self._all = expressions
        self._file = file
        self._offset = offset
        self._trees = TreeBuilder(expressions.fields, expressions.names, file, offset, expressions.unknown)
        self._lines: list[list[Any]] = [["", offset + 1]]
        self.line = offset + 1

    def lines(self) -> list[Line]:
        """Return the written lines, without those that held only statements."""
        kept = []
        for text, number in self._lines:
            bare = text.replace(_STATEMENT, "")
            if bare.strip() or _STATEMENT not in text:
                kept.append(Line(bare, self._file, number))
        return kept

    def statements(self, body: Iterable[nodes.Node]) -> None:
        """Write the text of `body`."""
        for node in body:
            self.line = node.lineno + self._offset
            with self._all.mistakes:
                match node:
                    case nodes.Output():
                        for part in node.nodes:
                            self._output(part)
                    case nodes.If():
                        self._if(node, list(node.elif_), node.else_)
                    case _:
                        raise not_allowed(node, self._file, self.line)

    def _output(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.TemplateData):
            self._write(node.data, node.lineno)
            return
        self.line = node.lineno + self._offset
        before = len(self._all.mistakes.found)
        with self._all.mistakes:
            tree = self._trees.text(node)
            if tree[0] == "const":
                self._constant(tree[1], node.lineno)
            else:
                self._all.slots.append(Found(tree, self._file, self.line))
                self._write(self._all.mint.write(Kind.EXPRESSION, len(self._all.slots) - 1), node.lineno)
        if len(self._all.mistakes.found) > before:
            self._write(STAND_IN, node.lineno)

    def _constant(self, text: str, lineno: int) -> None:
        if self._lines[-1][0].lstrip().startswith(":::"):
            # Inside a directive's attribute: a quote of the value must not end the attribute.
            text = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
        first, *others = text.split("\n")
        self._write(first, lineno)
        self._lines += [[line, lineno + self._offset] for line in others]

    def _if(self, node: nodes.If, elifs: list[nodes.If], otherwise: list[nodes.Node]) -> None:
        line = node.test.lineno
        tree = self._trees.test(node.test)
        if tree[0] == "const":
            self._write(_STATEMENT, line)
            if tree[1]:
                self.statements(node.body)
            else:
                self._else(elifs, otherwise)
            self._write(_STATEMENT, line)
            return
        index = len(self._all.conditions)
        self._all.conditions.append(Condition(index, tree, fields_of(tree), line + self._offset, self._file))
        self._write(self._all.mint.write(Kind.BEGIN, index), line)
        self.statements(node.body)
        if elifs or otherwise:
            self._write(self._all.mint.write(Kind.OTHERWISE, index), line)
            self._else(elifs, otherwise)
        self._write(self._all.mint.write(Kind.END, index), line)

    def _else(self, elifs: list[nodes.If], otherwise: list[nodes.Node]) -> None:
        if elifs:
            with self._all.mistakes:
                self._if(elifs[0], elifs[1:], otherwise)
        else:
            self.statements(otherwise)

    def _write(self, text: str, lineno: int) -> None:
        first, *others = text.split("\n")
        self._lines[-1][0] += first
        self._lines += [[line, lineno + number + self._offset] for number, line in enumerate(others, start=1)]
