"""Make trees of the expressions that documents may use: look-ups, fields, filters, comparisons, and, or, not, if.

Constants are evaluated here, so that a tree without a member's field is always `["const", value]`. Nothing can grow
without end: there are no loops, calls or sums, and look-ups may bring in a limited amount of text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from jinja2 import nodes

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compiled import Tree
from newsletters.expressions.evaluate import evaluate
from newsletters.expressions.not_allowed import POSSIBLE, not_allowed
from newsletters.expressions.trees import FILTERS, both, depth_of, either, fields_of

# Levels of a tree. Each is one or two of the 200 that Python's parser reads.
DEEPEST = 60
# How many characters of a toolkit, brand and newsletter one text may take in.
_MOST_LOOKED_UP = 1_000_000
_LARGEST = 10**15  # beyond it a number with decimals is no longer exact

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class TreeBuilder:
    """Makes the trees of one text, which begins `offset` lines into `file`; raises InputError with the line.

    If there is a set of `unknown` fields, those that are not among `fields` are added to it, and are empty.
    """

    def __init__(
        self, fields: frozenset[str], names: Mapping[str, Any], file: str, offset: int, unknown: set[str] | None = None
    ) -> None:
        self._unknown = unknown
        self._fields = fields
        self._names = names
        self._file = file
        self._offset = offset
        self._looked_up = 0

    def text(self, node: nodes.Node) -> Tree:
        """Return the tree of an expression that gives a text."""
        return self._shallow(self._text(node), node)

    def test(self, node: nodes.Node) -> Tree:
        """Return the tree of a condition's test."""
        return self._shallow(self._test(node), node)

    def _shallow(self, tree: Tree, node: nodes.Node) -> Tree:
        if depth_of(tree) > DEEPEST:
            self._fail("This expression is too long or nested too deeply.", node, hint="Use several {% if %}.")
        return tree

    def _text(self, node: nodes.Node, missing: str | None = None) -> Tree:
        tree = self._operand(node, missing)
        if tree[0] != "const":
            return tree
        if not isinstance(tree[1], str | int | float) or isinstance(tree[1], bool):
            self._fail(f"This is {_kind_of(tree[1])}, not a text.", node, hint="Name one of its parts.")
        return ["const", str(tree[1])]

    def _test(self, node: nodes.Node) -> Tree:
        match node:
            case nodes.And():
                left = self._test(node.left)
                return left if left == ["const", False] else both(left, self._test(node.right))
            case nodes.Or():
                return self._either(node, self._test)
            case nodes.Not():
                return _folded(["not", self._test(node.node)])
            case nodes.Compare():
                return _folded(self._comparison(node))
        tree = self._operand(node)
        return ["const", bool(tree[1])] if tree[0] == "const" else tree

    def _operand(self, node: nodes.Node, missing: str | None = None) -> Tree:
        """Return the tree of a value of any kind; a key that a table does not have gives `missing` if that is a text.

        Raises InputError with the line for everything that documents may not use.
        """
        match node:
            case (
                nodes.Getattr(node=nodes.Name(name="member"), attr=name)
                | nodes.Getitem(node=nodes.Name(name="member"), arg=nodes.Const(value=str(name)))
            ) if "member" not in self._names:
                return self._field(name, node)
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return ["const", self._taken(self._look_up(node, missing), node)]
            case nodes.Const():
                return ["const", self._number(node.value, node)]
            case nodes.Neg(node=nodes.Const(value=int() | float() as number)):
                return ["const", -self._number(number, node)]
            case nodes.List() | nodes.Tuple():
                return ["const", [self._constant(item) for item in node.items]]
            case nodes.Filter(node=nodes.Expr() as inner):
                return _folded(self._filter(node, inner))
            case nodes.Or():
                return self._either(node, self._text)
            case nodes.Concat():
                return _folded(["concat", *map(self._text, node.nodes)])
            case nodes.CondExpr():
                return self._choice(node)
            case nodes.And() | nodes.Not() | nodes.Compare():
                self._fail("This asks a question where a value is wanted.", node, hint=POSSIBLE)
        raise not_allowed(node, self._file, node.lineno + self._offset)

    def _field(self, name: str, node: nodes.Node) -> Tree:
        if name not in self._fields and self._unknown is not None:
            self._unknown.add(name)
            return ["const", ""]
        if name not in self._fields:
            self._fail(
                f"Members have no field {name!r}.", node,
                hint=f"{nearest(name, self._fields)} A field of your own goes under `fields:` in the front matter.",
            )  # fmt: skip
        return ["value", name]

    def _look_up(self, node: nodes.Node, missing: str | None = None) -> Any:
        match node:
            case nodes.Name(name="member") if "member" not in self._names:
                self._fail("`member` by itself has no value.", node, hint="Name a field: {{ member.first_name }}.")
            case nodes.Name(name=name):
                if name not in self._names:
                    self._fail(f"There is nothing named {name!r}.", node, hint=nearest(name, [*self._names, "member"]))
                return self._names[name]
            case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str(key))):
                table = self._look_up(holder)
                if isinstance(table, Mapping) and key in table:
                    return table[key]
                if not isinstance(table, Mapping):
                    self._fail(f"There is no {key!r} in {_kind_of(table)}.", node, hint=POSSIBLE)
                if missing is None:
                    self._fail(f"There is no {key!r} in `{_spelled(holder)}`.", node, hint=nearest(key, table))
                return missing
        raise not_allowed(node, self._file, node.lineno + self._offset)

    def _taken(self, value: Any, node: nodes.Node) -> Any:
        self._looked_up += sum(map(len, value)) if isinstance(value, str | Mapping) else 0
        if self._looked_up > _MOST_LOOKED_UP:
            self._fail("This takes too much text from the toolkit.", node)
        return value

    def _number(self, value: Any, node: nodes.Node) -> Any:
        if isinstance(value, int | float) and abs(value) > _LARGEST:
            self._fail("This number is too large.", node)
        return value

    def _constant(self, node: nodes.Node) -> Any:
        tree = self._operand(node)
        if tree[0] != "const":
            self._fail("A list holds texts and numbers, not members' fields.", node, hint=POSSIBLE)
        return tree[1]

    def _either(self, node: nodes.Or, read: Callable[[nodes.Node], Tree]) -> Tree:
        left = read(node.left)
        # After a left side that decides, the right side may name what is missing.
        return left if left[0] == "const" and left[1] else either(left, read(node.right))

    def _choice(self, node: nodes.CondExpr) -> Tree:
        test = self._test(node.test)
        if test[0] == "const" and test[1]:
            return self._text(node.expr1)
        otherwise = ["const", ""] if node.expr2 is None else self._text(node.expr2)
        return otherwise if test[0] == "const" else ["if", test, self._text(node.expr1), otherwise]

    def _filter(self, node: nodes.Filter, inner: nodes.Expr) -> Tree:
        given = [*node.args, *node.kwargs, node.dyn_args, node.dyn_kwargs]
        if node.name in ("default", "d"):
            default = self._text(node.args[0]) if len(given) in (3, 4) and not node.kwargs else ["missing"]
            if default[0] != "const" or any(given[-2:]):
                self._fail(
                    "`default` takes one text in quotes.", node,
                    hint='Write {{ member.first_name | default("friend") }}.',
                )  # fmt: skip
            return ["default", self._text(inner, missing=""), default[1]]
        if node.name not in FILTERS:
            known = nearest(node.name, [*FILTERS, "default"])
            self._fail(f"There is no filter {node.name!r} in a newsletter.", node, hint=f"{known} {POSSIBLE}")
        if any(given):
            self._fail(f"The filter {node.name!r} takes nothing in brackets.", node, hint=POSSIBLE)
        return ["filter", node.name, self._text(inner)]

    def _comparison(self, node: nodes.Compare) -> Tree:
        if len(node.ops) != 1:
            self._fail("Compare two things at a time.", node, hint="Join two comparisons with `and`.")
        sign, left, right = node.ops[0].op, self._operand(node.expr), self._operand(node.ops[0].expr)
        if sign in ("in", "notin"):
            tree = self._membership(node, left, right)
            return ["not", tree] if sign == "notin" else tree
        sign = _SIGNS[sign]
        if left[0] == "const" and (right[0] != "const" or right[1] == ""):
            left, right, sign = right, left, _MIRRORED[sign]
        if right[0] != "const" or not all(_is_plain(each[1]) for each in (left, right) if each[0] == "const"):
            self._fail("A field is compared with a text or a number.", node, hint=POSSIBLE)
        if sign not in ("==", "!=") and isinstance(right[1], str):
            self._fail(
                "Less and greater are for numbers.", node, hint="Write {% if member.age > 17 %}, without quotes."
            )
        as_text = isinstance(right[1], str) or left[0] == "const"
        return [sign, left if as_text else ["number", left], right[1]]

    def _membership(self, node: nodes.Compare, left: Tree, right: Tree) -> Tree:
        choices = right[1] if right[0] == "const" else None
        if (
            not isinstance(choices, list | Mapping)
            or not all(map(_is_plain, choices))
            or (left[0] == "const" and not _is_plain(left[1]))
        ):
            self._fail(
                "`in` asks if a field is one of a list.", node, hint='Write {% if member.city in ["Leeds", "Hull"] %}.'
            )
        return ["in", left, [str(choice) for choice in choices]]

    def _fail(self, message: str, node: nodes.Node, *, hint: str = "") -> NoReturn:
        raise InputError(message, file=self._file, line=node.lineno + self._offset, hint=hint)


def _folded(tree: Tree) -> Tree:
    """Return the tree, as a constant if it has no field."""
    return tree if fields_of(tree) else ["const", evaluate(tree)]


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _spelled(node: nodes.Node) -> str:
    match node:
        case nodes.Getattr(node=holder, attr=key) | nodes.Getitem(node=holder, arg=nodes.Const(value=str(key))):
            return f"{_spelled(holder)}.{key}"
        case nodes.Name(name=name):
            return name
    return "…"


def _kind_of(value: object) -> str:
    kinds = {type(None): "nothing", bool: "true or false", dict: "a table of names", list: "a list"}
    return kinds.get(type(value), "a text")
