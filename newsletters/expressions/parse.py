"""Expressions: Jinja2 worked out as far as it goes without a member.

What does not depend on `member` is done here and now, in a sandbox. What does becomes a tree (see `trees`) and
leaves a token in its place; an expression that can become neither is an InputError with file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, TemplateError

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compiled import Condition, Tree
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.sandbox import MOST_PARTS, TooMuch, is_harmless_call, make_sandbox, weighed
from newsletters.expressions.trees import FILTERS, both, either, fields_of, size_of
from newsletters.tokens import Kind, Mint

POSSIBLE = (
    'Possible with a member: {{ member.field }}, | default("…"), | '
    + ", | ".join(FILTERS)
    + ', ~, or, {{ "a" if test else "b" }}, and {% if %} with a field, ==, !=, <, >, in ["a", "b"], and, or, not.'
)

_ENVIRONMENT = make_sandbox()

# Marks where a statement stood: a line that holds nothing else is dropped, as its author would expect.
_STATEMENT = "\0"
_MOST_TURNS = 1_000
_MOST_LINES = 20_000
_LONGEST_LINE = 100_000  # characters
# Over a whole compile, whose loops may stand inside each other: turns, and what is done in each.
_MOST_STEPS = 50_000
_A_STEP = 25  # characters of a tree

# Where a mistake was collected, so that what stands around it can be read.
STAND_IN = "…"

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Line:
    """A line of source after expressions were worked out, and where its author wrote it."""

    text: str
    file: str
    number: int


@dataclass(frozen=True)
class Found:
    """A member expression, or the test of a condition, with its place."""

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
    slots: list[Found] = field(default_factory=list)
    conditions: list[Found] = field(default_factory=list)
    steps: int = 0

    @property
    def condition_rows(self) -> tuple[Condition, ...]:
        """All conditions found so far, each at its index."""
        return tuple(
            Condition(index, found.tree, fields_of(found.tree), found.line, found.file)
            for index, found in enumerate(self.conditions)
        )

    @property
    def used_fields(self) -> tuple[str, ...]:
        """The member fields that are read anywhere, sorted."""
        return tuple(sorted({name for found in [*self.slots, *self.conditions] for name in fields_of(found.tree)}))

    def evaluate(self, text: str, file: str, first_line: int) -> list[Line]:
        """The lines of `text`, which begins on `first_line` of `file`, with tokens for what depends on a member."""
        walk = _Walk(self, file, first_line - 1)
        try:
            walk.statements(_parsed(text).body, dict(self.names))
        except TemplateSyntaxError as error:
            line = first_line + error.lineno - 1
            raise InputError(f"{_sentence(error.message)}", file=file, line=line, hint=_WRITE) from None
        except (RecursionError, MemoryError, SyntaxError):  # Python's own limits: jinja2 makes Python of it
            raise InputError("An expression is too long or too deep.", file=file, line=walk.line) from None
        return walk.lines()


def _parsed(text: str) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(text)
    except ValueError:  # a number of thousands of digits
        raise TemplateSyntaxError("A number here is too long", 1) from None


_WRITE = "A member's value is written {{ member.first_name }}."

Scope = dict[str, Any]


@dataclass(frozen=True)
class _Later:
    """A name that was set to a member expression."""

    tree: Tree


class _Walk:
    """Walks one template and writes its lines."""

    def __init__(self, expressions: Expressions, file: str, offset: int) -> None:
        self._all = expressions
        self._file = file
        self._offset = offset
        self._lines: list[list[Any]] = [["", offset + 1]]
        # A template for each expression that was worked out, with its node, so that no other gets its id.
        self._templates: dict[int, tuple[nodes.Node, Template]] = {}
        self.line = offset + 1

    def lines(self) -> list[Line]:
        kept = []
        for text, number in self._lines:
            bare = text.replace(_STATEMENT, "")
            if bare.strip() or _STATEMENT not in text:
                kept.append(Line(bare, self._file, number))
        return kept

    def statements(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        for node in body:
            with self._all.mistakes:
                self._statement(node, scope)

    def _step(self, node: nodes.Node, steps: int = 1) -> None:
        self.line = node.lineno + self._offset
        self._all.steps += steps
        if self._all.steps > _MOST_STEPS:
            self._fail("The loops of this newsletter do too much.", node)

    def _statement(self, node: nodes.Node, scope: Scope) -> None:
        self._step(node)
        match node:
            case nodes.Output():
                for part in node.nodes:
                    before = len(self._all.mistakes.found)
                    with self._all.mistakes:
                        self._output(part, scope)
                    if len(self._all.mistakes.found) > before:
                        self._write(STAND_IN, part.lineno)
            case nodes.If():
                self._if(node, list(node.elif_), node.else_, scope)
            case nodes.For():
                self._for(node, scope)
            case nodes.Assign(target=nodes.Name(name=name)):
                scope[name] = (
                    _Later(self._whole_tree(node.node, scope))
                    if self._depends(node.node, scope)
                    else self._now(node.node, scope)
                )
                self._write(_STATEMENT, node.lineno)
            case _:
                self._fail(f"{_spoken(node)} can't be used in a newsletter.", node, hint="Use if, for and set.")

    def _output(self, node: nodes.Node, scope: Scope) -> None:
        self._step(node)
        if isinstance(node, nodes.TemplateData):
            self._write(node.data, node.lineno)
        elif self._depends(node, scope):
            tree = self._whole_tree(node, scope)
            if tree[0] == "const":
                self._value(tree[1], node)
                return
            _refuse_tests(
                tree, lambda: self._fail("This asks a question where a value is wanted.", node, hint=POSSIBLE)
            )
            self._all.slots.append(Found(tree, self._file, node.lineno + self._offset))
            self._write(self._all.mint.write(Kind.EXPRESSION, len(self._all.slots) - 1), node.lineno)
        else:
            self._value(self._now(node, scope), node)

    def _value(self, value: Any, node: nodes.Node) -> None:
        if not isinstance(value, str | int | float):
            self._fail(f"This is {_kind_of(value)}, not a text.", node, hint="Name one of its parts.")
        text = str(value)
        if self._lines[-1][0].lstrip().startswith(":::"):
            # Inside a directive's attribute: a quote of the value must not end the attribute.
            text = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
        for number, line in enumerate(text.split("\n")):
            if number:
                self._lines.append(["", node.lineno + self._offset])
            self._write(line, node.lineno)

    def _if(self, node: nodes.If, elifs: list[nodes.If], otherwise: list[nodes.Node], scope: Scope) -> None:
        line = node.test.lineno
        tree = self._whole_tree(node.test, scope)
        if tree[0] == "const":
            self._write(_STATEMENT, line)
            if tree[1]:
                self.statements(node.body, dict(scope))
            else:
                self._else(elifs, otherwise, scope)
            self._write(_STATEMENT, line)
            return
        index = len(self._all.conditions)
        self._all.conditions.append(Found(tree, self._file, line + self._offset))
        self._write(self._all.mint.write(Kind.BEGIN, index), line)
        self.statements(node.body, dict(scope))
        if elifs or otherwise:
            self._write(self._all.mint.write(Kind.OTHERWISE, index), line)
            self._else(elifs, otherwise, scope)
        self._write(self._all.mint.write(Kind.END, index), line)

    def _else(self, elifs: list[nodes.If], otherwise: list[nodes.Node], scope: Scope) -> None:
        if elifs:
            self._if(elifs[0], elifs[1:], otherwise, scope)
        else:
            self.statements(otherwise, dict(scope))

    def _for(self, node: nodes.For, scope: Scope) -> None:
        if self._depends(node.iter, scope):
            self._fail("A loop can't run over what belongs to a member.", node, hint="Loops run over the toolkit.")
        if node.recursive or (node.test is not None and self._depends(node.test, scope)):
            self._fail("This kind of loop can't be used in a newsletter.", node, hint=POSSIBLE)
        turns = self._turns(node, scope)
        for index, turn in enumerate(turns):
            self._step(node)
            self._write(_STATEMENT, node.lineno)
            loop = {
                "index": index + 1,
                "index0": index,
                "first": not index,
                "last": index == len(turns) - 1,
                "length": len(turns),
            }
            self.statements(node.body, {**turn, "loop": loop})
        if not turns:
            self.statements(node.else_, dict(scope))
        self._write(_STATEMENT, node.lineno)

    def _turns(self, node: nodes.For, scope: Scope) -> list[Scope]:
        items = self._now(node.iter, scope)
        try:
            values = list(items)
        except TypeError:
            self._fail(f"A loop can't run over {_kind_of(items)}.", node)
        if len(values) > _MOST_TURNS:
            self._fail(f"This loop would run {len(values):,} times; {_MOST_TURNS:,} are allowed.", node)
        turns = [{**scope, **self._bound(node.target, value)} for value in values]
        return [turn for turn in turns if node.test is None or self._now(node.test, turn)]

    def _bound(self, target: nodes.Node, value: Any) -> Scope:
        if isinstance(target, nodes.Name):
            return {target.name: value}
        if isinstance(target, nodes.Tuple) and isinstance(value, tuple | list) and len(value) == len(target.items):
            return {
                name: part
                for item, each in zip(target.items, value, strict=True)
                for name, part in self._bound(item, each).items()
            }
        return self._fail("The names of this loop don't fit what it runs over.", target)

    def _write(self, text: str, lineno: int) -> None:
        for number, line in enumerate(text.split("\n")):
            if number:
                self._lines.append(["", lineno + number + self._offset])
            self._lines[-1][0] += line
        if len(self._lines) > _MOST_LINES or len(self._lines[-1][0]) > _LONGEST_LINE:
            raise InputError("This newsletter writes too much.", file=self._file, line=lineno + self._offset)

    def _depends(self, node: nodes.Node, scope: Scope) -> bool:
        # Lists of towns may be long; it is parts within parts that take time.
        parts = (part for part in node.find_all(nodes.Node) if not isinstance(part, nodes.Const))
        if next(islice(parts, MOST_PARTS, None), None) is not None:
            self._fail("This expression is too long.", node, hint="Give its parts names by {% set %}.")
        names = [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))
        return any(name.name == "member" or isinstance(scope.get(name.name), _Later) for name in names)

    def _now(self, node: nodes.Node, scope: Scope) -> Any:
        """The value of an expression that no member is needed for."""
        try:
            template = self._template(node, scope)
            context = template.new_context(
                {name: value for name, value in scope.items() if not isinstance(value, _Later)}
            )
            for _ in template.root_render_func(context):
                pass
            result = context.vars["result"]
            if isinstance(result, StrictUndefined):
                result._fail_with_undefined_error()
            return weighed(result)
        except SecurityError:
            self._fail("This expression reaches for what a newsletter has no business with.", node)
        except TooMuch as error:
            self._fail(_sentence(error.message), node)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            self._fail(_sentence(str(error)), node, hint=self._known(node, scope))

    def _template(self, node: nodes.Node, scope: Scope) -> Template:
        """The expression `node` as a template that sets `result`."""
        if id(node) not in self._templates:
            for part in [node, *node.find_all(nodes.Call)]:
                if isinstance(part, nodes.Call) and not is_harmless_call(part, scope):
                    self._fail("This can't be called in a newsletter.", part, hint="Use a filter: {{ name | upper }}.")
            body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), node, lineno=node.lineno)]
            self._templates[id(node)] = node, _ENVIRONMENT.from_string(nodes.Template(body, lineno=1))
        return self._templates[id(node)][1]

    def _known(self, node: nodes.Node, scope: Scope) -> str:
        for part in [node, *node.find_all((nodes.Name, nodes.Getattr, nodes.Getitem))]:
            if isinstance(part, nodes.Name) and part.name not in scope:
                return nearest(part.name, [*scope, "member"])
            if isinstance(part, nodes.Getattr) and isinstance(part.node, nodes.Getattr | nodes.Name):
                holder = self._maybe(part.node, scope)
                if isinstance(holder, Mapping) and part.attr not in holder:
                    return nearest(part.attr, [str(key) for key in holder])
        return ""

    def _maybe(self, node: nodes.Node, scope: Scope) -> Any:
        if isinstance(node, nodes.Name):
            return scope.get(node.name)
        if isinstance(node, nodes.Getattr):
            holder = self._maybe(node.node, scope)
            return holder.get(node.attr) if isinstance(holder, Mapping) else getattr(holder, node.attr, None)
        return None

    def _whole_tree(self, node: nodes.Node, scope: Scope) -> Tree:
        """The tree of an expression, which is larger than it looks where names in it stand for other trees."""
        tree = self._tree(node, scope)
        if (size := size_of(tree)) is None:
            self._fail("This expression is too large or too deep, with all that its names stand for.", node)
        self._step(node, size // _A_STEP)
        return tree

    def _tree(self, node: nodes.Node, scope: Scope) -> Tree:
        if not self._depends(node, scope):
            return ["const", self._now(node, scope)]
        match node:
            case nodes.Getattr(node=nodes.Name(name="member"), attr=name):
                return self._field(str(name), node)
            case nodes.Getitem(node=nodes.Name(name="member"), arg=nodes.Const(value=str(name))):
                return self._field(name, node)
            case nodes.Name(name=name) if isinstance(scope.get(name), _Later):
                return scope[name].tree
            case nodes.Filter():
                return self._filter(node, scope)
            case nodes.Or():
                return either(self._tree(node.left, scope), self._tree(node.right, scope))
            case nodes.And():
                return both(self._tree(node.left, scope), self._tree(node.right, scope))
            case nodes.Not():
                return ["not", self._tree(node.node, scope)]
            case nodes.Compare():
                return self._compare(node, scope)
            case nodes.Concat():
                return ["concat", *(self._text(part, scope) for part in node.nodes)]
            case nodes.CondExpr():
                otherwise = ["const", ""] if node.expr2 is None else self._text(node.expr2, scope)
                test = self._tree(node.test, scope)
                if test[0] == "const":
                    return self._text(node.expr1, scope) if test[1] else otherwise
                return ["if", test, self._text(node.expr1, scope), otherwise]
        return self._fail(f"{_spoken(node)} can't be used with a member.", node, hint=POSSIBLE)

    def _field(self, name: str, node: nodes.Node) -> Tree:
        if name not in self._all.fields:
            self._fail(
                f"Members have no field {name!r}.", node,
                hint=f"{nearest(name, self._all.fields)} A field of your own goes under `fields:` in the front matter.",
            )  # fmt: skip
        return ["field", name]

    def _text(self, node: nodes.Node, scope: Scope) -> Tree:
        tree = self._tree(node, scope)
        if tree[0] == "const":
            if not isinstance(tree[1], str | int | float):
                self._fail(f"This is {_kind_of(tree[1])}, not a text.", node)
            return ["const", str(tree[1])]
        return tree

    def _filter(self, node: nodes.Filter, scope: Scope) -> Tree:
        if node.node is None:
            self._fail("A filter needs something to work on.", node, hint=POSSIBLE)
        inner = self._text(node.node, scope)
        if node.name in ("default", "d"):
            if len(node.args) not in (1, 2) or node.kwargs or node.dyn_args or self._depends(node.args[0], scope):
                self._fail(
                    "`default` takes one text in quotes.",
                    node,
                    hint='Write {{ member.first_name | default("friend") }}.',
                )
            return ["default", inner, str(self._now(node.args[0], scope))]
        if node.name not in FILTERS or node.args or node.kwargs:
            self._fail(
                f"The filter {node.name!r} can't be used with a member.",
                node,
                hint=f"{nearest(node.name, [*FILTERS, 'default'])} {POSSIBLE}",
            )
        return ["filter", node.name, inner]

    def _compare(self, node: nodes.Compare, scope: Scope) -> Tree:
        if len(node.ops) != 1:
            self._fail("Compare two things at a time.", node, hint="Join two comparisons with `and`.")
        operand = node.ops[0]
        left, right = self._tree(node.expr, scope), self._tree(operand.expr, scope)
        if operand.op in ("in", "notin"):
            return self._contains(node, left, right, negated=operand.op == "notin")
        sign = _SIGNS[operand.op]
        if left[0] == "const":
            left, right, sign = right, left, _MIRRORED[sign]
        if right[0] != "const" or not isinstance(right[1], str | int | float) or isinstance(right[1], bool):
            self._fail("A member's field is compared with a text or a number.", node, hint=POSSIBLE)
        if sign not in ("==", "!=") and isinstance(right[1], str):
            self._fail(
                "Less and greater are for numbers.", node, hint="Write {% if member.age > 17 %}, without quotes."
            )
        return [sign, left, right[1]]

    def _contains(self, node: nodes.Compare, left: Tree, right: Tree, *, negated: bool) -> Tree:
        choices = right[1] if right[0] == "const" else None
        if (
            left[0] == "const"
            or not isinstance(choices, list | tuple)
            or not all(isinstance(each, str | int) for each in choices)
        ):
            self._fail(
                "`in` asks whether a field is one of a list.",
                node,
                hint='Write {% if member.city in ["Leeds", "Hull"] %}.',
            )
        tree = ["in", left, [str(choice) for choice in choices]]
        return ["not", tree] if negated else tree

    def _fail(self, message: str, node: nodes.Node, *, hint: str = "") -> NoReturn:
        raise InputError(message, file=self._file, line=node.lineno + self._offset, hint=hint)


def _refuse_tests(tree: Tree, fail: Callable[[], NoReturn]) -> None:
    if tree[0] in {"and", "not", "in", *_SIGNS.values()} or not fields_of(tree):
        fail()
    for part in {"or": tree[1:], "concat": tree[1:], "if": tree[2:], "filter": tree[2:], "default": tree[1:2]}.get(
        tree[0], []
    ):
        if part[0] != "const":
            _refuse_tests(part, fail)


_SPOKEN = {
    nodes.Name: "`member` alone", nodes.Call: "A call", nodes.Test: "A test such as `is defined`", nodes.Add: "`+`",
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "import", nodes.Extends: "extends",
    nodes.Macro: "macro", nodes.Block: "block", nodes.CallBlock: "call", nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set with a body", nodes.With: "with",
}  # fmt: skip


def _spoken(node: nodes.Node) -> str:
    return _SPOKEN.get(type(node), "This expression")


def _kind_of(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a table of names"
    return "a list" if isinstance(value, list | tuple) else "a whole thing"


def _sentence(message: str | None) -> str:
    words = (message or "This is not valid Jinja2").strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."
