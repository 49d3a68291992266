"""The sandbox in which expressions are worked out: no code is reached through it, and nothing grows without end.

Copy blocks are written by people of other organisations, so an expression is held to what a newsletter needs.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_eval_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import do_join, do_replace, do_round
from jinja2.nodes import EvalContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Of one value, all that it holds included.
LONGEST_VALUE = 20_000  # characters
MOST_ELEMENTS = 5_000
MOST_PARTS = 200  # of one expression, constants not counted

_TABLE_CALLS = {"items", "keys", "values"}
_LARGEST = 2**64
# Filters that reach for code, give another answer each time, or make a small thing as large as they are told to.
_LEFT_OUT = (
    "attr", "batch", "center", "filesizeformat", "format", "indent", "pprint", "random", "slice", "tojson", "urlize",
    "wordwrap", "xmlattr",
)  # fmt: skip


class TooMuch(TemplateRuntimeError):  # noqa: N818 - says what it is
    """A value would be larger than any newsletter needs."""

    def __init__(self) -> None:
        super().__init__("this makes a value that is too large for a newsletter")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with numbers for sums only, and bounded ones."""

    intercepted_binops = frozenset({"*", "**", "%", "/", "//", "+", "-"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """The result for two numbers, or of + for two texts or lists; raises SecurityError, TooMuch."""
        if operator == "+" and isinstance(left, str | list | tuple):
            return weighed(super().call_binop(context, operator, left, right))
        if operator == "**" or not isinstance(left, int | float) or not isinstance(right, int | float):
            raise SecurityError
        return weighed(super().call_binop(context, operator, left, right))


def weighed(value: Any) -> Any:
    """`value`, a lazy one as a list; raises TooMuch where it holds more than a newsletter needs."""
    if isinstance(value, Iterator):
        value = _bounded(value)
    characters = elements = 0
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, int) and not -_LARGEST < each < _LARGEST:
            raise TooMuch
        elif isinstance(each, Mapping | list | tuple | set | ItemsView | KeysView | ValuesView):
            elements += len(each)
            if elements <= MOST_ELEMENTS:
                left += [*each.keys(), *each.values()] if isinstance(each, Mapping) else each
        if characters > LONGEST_VALUE or elements > MOST_ELEMENTS:
            raise TooMuch
    return value


def is_harmless_call(call: nodes.Call, names: Iterable[str]) -> bool:
    """Whether this calls `range`, or asks a table for what it holds; `names` are those that an author has set."""
    match call.node:
        case nodes.Name(name="range"):
            return "range" not in names
        case nodes.Getattr(attr=attr):
            return attr in _TABLE_CALLS and not (call.args or call.kwargs or call.dyn_args or call.dyn_kwargs)
    return False


def _bounded(values: Iterable[Any]) -> list[Any]:
    found = list(islice(values, MOST_ELEMENTS + 1))
    if len(found) > MOST_ELEMENTS:
        raise TooMuch
    return found


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MOST_ELEMENTS:
        raise TooMuch
    return numbers


@pass_eval_context
def _replace(context: EvalContext, text: Any, old: str, new: str, count: int | None = None) -> str:
    if len(str(text)) + str(text).count(str(old)) * len(str(new)) > LONGEST_VALUE:
        raise TooMuch
    return str(do_replace(context, str(text), str(old), str(new), count))


@pass_eval_context
def _join(context: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    values = _bounded(value)
    if len(values) * len(str(d)) > LONGEST_VALUE:
        raise TooMuch
    return str(do_join(context, values, str(d), attribute))


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    return do_round(value, max(-15, min(precision, 15)), method)


def make_sandbox() -> Sandbox:
    """The environment for all expressions; it knows `range`, and the filters that are harmless."""
    sandbox = Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    sandbox.globals = {"range": _range}
    for name in _LEFT_OUT:
        del sandbox.filters[name]
    sandbox.filters |= {"replace": _replace, "join": _join, "round": _round}
    return sandbox
