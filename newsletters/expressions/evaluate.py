"""Evaluate trees: write them as the source of one Python function, which is many times faster than walking them.

A formula is the Python source of a tree. It holds only operators, names, and what this module spells out: no text,
field name or number of an author or a member is ever code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from newsletters.compiled import Tree
from newsletters.expressions.escaping import escape
from newsletters.expressions.list_values import is_no_value
from newsletters.expressions.trees import COMPARISONS, FILTERS, MADE, VALUES

# How many values are cached, and how many characters one may have: a few MB a function at most.
_CACHED, _LONGEST = 4_096, 200
_DEEPEST = 50
# Control characters have no business in a value: a line break could end a header.
_CONTROLS = dict.fromkeys([*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029], " ")


def evaluate(tree: Tree) -> Any:
    """Return the value of a tree that reads no field: a text, or whether a test holds."""
    formulas = Formulas("\0")
    return formulas.function([f"return {formulas.value(tree)}"])({}.get, "")


class Formulas:
    """Writes formulas that share their names, and makes functions of them.

    `mark` is the beginning of all tokens: no member's value may hold one.
    """

    def __init__(self, mark: str) -> None:
        self._names: dict[str, Any] = {
            "field": _Cache(mark), "value": _Cache(mark, is_no_value), "join": "".join, "escape": escape,
        }  # fmt: skip
        self._constants: dict[str, str] = {}
        self._functions: dict[Callable[..., object], str] = {}
        self._fields: dict[tuple[str, str], str] = {}
        self._apart: list[str] = []

    def function(self, lines: Iterable[str]) -> Callable[..., Any]:
        """Return a function of `get` (a member's value by field) and `keys`, which runs `lines`; the last one returns.

        It adds no names, so that several threads may call it at once.
        """
        head = [
            f"f{at}, h{at} = {kind}[get({name}) or '']" for at, ((kind, _), name) in enumerate(self._fields.items())
        ]
        source = "def filled(get, keys):" + "".join(f"\n {line}" for line in [*head, *self._apart, *lines])
        names = dict(self._names)
        exec(compile(source, "<formulas>", "exec"), names)  # noqa: S102 - names and operators only, see above
        made: Callable[..., Any] = names["filled"]
        return made

    def named(self, value: object) -> str:
        """Return a name for `value`; a function has one."""
        name = f"n{len(self._names)}"
        if callable(value):
            name = self._functions.setdefault(value, name)
        self._names[name] = value
        return name

    def constant(self, text: str) -> str:
        """Return the formula of a text that is the same for everybody."""
        if text not in self._constants:
            self._constants[text] = self.named(text)
        return self._constants[text]

    def joined(self, formulas: list[str]) -> str:
        """Return the formula that joins the texts of `formulas`."""
        if len(formulas) == 1:
            return formulas[0]
        return f"join(({', '.join(formulas)}))" if formulas else "''"

    def called(self, function: Callable[[str], str], formula: str) -> str:
        """Return the formula that calls `function` with the text of another."""
        return self._shallow(f"{self.named(function)}({formula})")

    def either(self, test: str, then: str, otherwise: str) -> str:
        """Return the formula of one text if the test holds, and of the other if not."""
        return self._shallow(f"({then} if {test} else {otherwise})")

    def _shallow(self, formula: str) -> str:
        """Return the formula, or a call of it if it is nested deeply: Python's parser stops at 200 brackets."""
        if max(accumulate((sign == "(") - (sign == ")") for sign in formula)) < _DEEPEST:
            return formula
        name = f"d{len(self._apart)}"
        self._apart.append(f"{name} = lambda: {formula}")
        return f"{name}()"

    def value(self, tree: Tree, *, escaped: bool = False) -> str:
        """Return the formula of the tree's value: a text (as HTML if `escaped`), or true or false if it is a test."""
        kind, *rest = tree
        if kind in VALUES:
            self._fields.setdefault((kind, rest[0]), self.constant(rest[0]))
            return f"{'h' if escaped else 'f'}{[*self._fields].index((kind, rest[0]))}"
        if kind == "const":
            return self._constant(rest[0], escaped=escaped)
        # Empty stays empty and parts stay parts when escaped, so that each field need be escaped only once.
        if kind == "default":
            return f"({self.value(rest[0], escaped=escaped)} or {self._constant(rest[1], escaped=escaped)})"
        if kind == "or":
            return f"({' or '.join(self.value(part, escaped=escaped) for part in rest)})"
        if kind == "concat":
            return self.joined([self.value(part, escaped=escaped) for part in rest])
        if kind == "if":
            then, otherwise = (self.value(part, escaped=escaped) for part in rest[1:])
            return self.either(self.value(rest[0]), then, otherwise)
        formula = self._other(kind, rest)
        return f"escape({formula})" if escaped else formula

    def _constant(self, value: object, *, escaped: bool) -> str:
        if not value and not isinstance(value, str):
            return self.named(value)  # a test that never holds: as text it would
        return self.constant(escape(str(value)) if escaped else str(value))

    def _other(self, kind: str, rest: list[Any]) -> str:
        if kind == "filter":
            return self.called(FILTERS[rest[0]], self.value(rest[1]))
        if kind in MADE:
            return self.called(MADE[kind], self.value(rest[0]))
        if kind == "count":
            return f"str({' + '.join([str(int(rest[0])), *(f'(not not {self.value(test)})' for test in rest[1:])])})"
        if kind == "not":
            return f"(not {self.value(rest[0])})"
        if kind == "and":
            return f"(not not ({' and '.join(self.value(part) for part in rest)}))"
        inner, constant = rest
        if kind == "in":
            return f"({self.value(inner)} in {self.named(frozenset(map(str, constant)))})"
        if kind in COMPARISONS and isinstance(constant, str):
            return f"({self.value(inner)} {kind} {self.constant(constant)})"
        return f"{self.named(_compared(kind, constant))}({self.value(inner)})"


def _compared(sign: str, number: float) -> Callable[[str], bool]:
    compare = COMPARISONS[sign]

    def holds(value: str) -> bool:
        try:
            return compare(float(value), number)
        except ValueError:
            return sign == "!="

    return holds


class _Cache(dict[Any, tuple[str, str]]):
    """A field's value → its cleaned text, and that as HTML. Many people share a town, a role or a first name.

    What `is_missing` reports becomes empty.
    """

    def __init__(self, mark: str, is_missing: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._mark = mark
        self._is_missing = is_missing

    def __missing__(self, value: Any) -> tuple[str, str]:
        text = self._cleaned(value)
        found = text, escape(text)
        # Only text is cached: 1, 1.0 and True are one key to a dict, and different texts.
        if isinstance(value, str) and len(value) <= _LONGEST:
            if len(self) >= _CACHED:
                self.clear()
            self[value] = found
        return found

    def _cleaned(self, value: Any) -> str:
        text = str(value or "")
        if not text.isprintable():
            text = text.translate(_CONTROLS)
        # Removing a mark may join the text around it to another.
        while self._mark in text:
            text = text.replace(self._mark, "")
        return "" if self._is_missing and self._is_missing(text) else text
