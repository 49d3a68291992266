"""Formulas: what a plan has to work out for each person, as one Python function in place of a call for each node.

A formula is Python source, made of operators, of what this module spells out, and of names that stand for all else:
no text, field name or number of an author's or a member's is ever code. `trees.worker` gives the same values, one tree
at a time; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from newsletters.compiled import Tree
from newsletters.expressions.trees import COMPARISONS, FILTERS, clean, compared
from newsletters.merge.escaping import escape

# Values that are kept, and how many characters one may have: a few MB a plan at most.
_KEPT, _LONGEST = 4_096, 200
_DEEPEST = 50


class Formulas:
    """Writes the formulas of one plan, whose names they share, and makes functions of them."""

    def __init__(self, mark: str) -> None:
        self._names: dict[str, Any] = {"known": _Known(mark), "join": "".join, "escape": escape}
        self._constants: dict[str, str] = {}
        self._fields: dict[str, str] = {}
        self._apart: list[str] = []

    def function(self, lines: Iterable[str]) -> Callable[..., Any]:
        """A function of `get` (a member's value by field) and `key`, which runs `lines`; the last one returns.

        It names nothing anew, so that threads may ask for theirs at once.
        """
        head = [f"f{at}, h{at} = known[get({name}) or '']" for at, name in enumerate(self._fields.values())]
        source = "def filled(get, key):" + "".join(f"\n {line}" for line in [*head, *self._apart, *lines])
        names = dict(self._names)
        exec(compile(source, "<a merge plan>", "exec"), names)  # noqa: S102 - names and operators only, see above
        made: Callable[..., Any] = names["filled"]
        return made

    def named(self, value: object) -> str:
        """A name for `value`."""
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def constant(self, text: str) -> str:
        """The formula of a text that is the same for everybody."""
        if text not in self._constants:
            self._constants[text] = self.named(text)
        return self._constants[text]

    def joined(self, formulas: list[str]) -> str:
        """The texts of `formulas`, one after the other."""
        if len(formulas) == 1:
            return formulas[0]
        return f"join(({', '.join(formulas)}))" if formulas else "''"

    def called(self, function: Callable[[str], str], formula: str) -> str:
        """What `function` makes of the formula's text."""
        return self._shallow(f"{self.named(function)}({formula})")

    def either(self, test: str, then: str, otherwise: str) -> str:
        """One formula's text where the test holds, the other's where it does not."""
        return self._shallow(f"({then} if {test} else {otherwise})")

    def _shallow(self, formula: str) -> str:
        """The same formula; one that lies deep within itself is put apart, for Python's parser ends at 200 levels."""
        if max(accumulate((sign == "(") - (sign == ")") for sign in formula)) < _DEEPEST:
            return formula
        name = f"d{len(self._apart)}"
        self._apart.append(f"{name} = lambda: {formula}")
        return f"{name}()"

    def value(self, tree: Tree) -> str:
        """The tree's value: a text, or a truth where the tree is a test."""
        return self._formula(tree, escaped=False)

    def escaped(self, tree: Tree) -> str:
        """The tree's text as HTML."""
        return self._formula(tree, escaped=True)

    def _formula(self, tree: Tree, *, escaped: bool) -> str:
        kind, *rest = tree
        if kind == "field":
            self._fields.setdefault(rest[0], self.constant(rest[0]))
            return f"{'h' if escaped else 'f'}{[*self._fields].index(rest[0])}"
        if kind == "const":
            return self._constant(rest[0], escaped=escaped)
        # Empty stays empty and parts stay parts when escaped, so that each field need be escaped only once.
        if kind == "default":
            return f"({self._formula(rest[0], escaped=escaped)} or {self._constant(rest[1], escaped=escaped)})"
        if kind == "or":
            return f"({' or '.join(self._formula(part, escaped=escaped) for part in rest)})"
        if kind == "concat":
            return self.joined([self._formula(part, escaped=escaped) for part in rest])
        if kind == "if":
            then, otherwise = (self._formula(part, escaped=escaped) for part in rest[1:])
            return self.either(self.value(rest[0]), then, otherwise)
        formula = self._filter(*rest) if kind == "filter" else self._test(kind, rest)
        return f"escape({formula})" if escaped else formula

    def _constant(self, value: object, *, escaped: bool) -> str:
        if not value and not isinstance(value, str):
            return self.named(value)  # a test that never holds; as text it would hold
        return self.constant(escape(str(value)) if escaped else str(value))

    def _filter(self, name: str, inner: Tree) -> str:
        return self.called(FILTERS[name], self.value(inner))

    def _test(self, kind: str, rest: list[Any]) -> str:
        if kind == "not":
            return f"(not {self.value(rest[0])})"
        if kind == "and":
            return f"(not not ({' and '.join(self.value(part) for part in rest)}))"
        inner, constant = rest
        if kind == "in":
            return f"({self.value(inner)} in {self.named(frozenset(map(str, constant)))})"
        if kind in COMPARISONS and isinstance(constant, str):
            return f"({self.value(inner)} {kind} {self.constant(constant)})"
        return f"{self.named(compared(kind, constant))}({self.value(inner)})"


class _Known(dict[Any, tuple[str, str]]):
    """A field's value → the same cleaned, and that as HTML; what many people share is worked out once."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark

    def __missing__(self, value: Any) -> tuple[str, str]:
        text = clean(value, self._mark)
        found = text, escape(text)
        # Of all types text alone is kept: 1, 1.0 and True are one key to a dict, and different texts.
        if isinstance(value, str) and len(value) <= _LONGEST:
            if len(self) >= _KEPT:
                self.clear()
            self[value] = found
        return found
