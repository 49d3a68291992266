"""Trees: what a member expression is after parsing, small enough for JSON; `evaluate` gives their values.

    ["value", name]                 the member's value, "" if it is missing, or a word for that such as NULL or N/A
    ["field", name]                 the same in emails compiled before: with such words as they are
    ["const", value]
    ["default", tree, text]         `text` if the tree gives nothing
    ["filter", name, tree]          one of FILTERS
    ["concat", tree, …]
    ["if", test, tree, tree]
    ["or", tree, …]  ["and", tree, …]  ["not", tree]
    ["==" | "!=" | "<" | "<=" | ">" | ">=", tree, constant]  ["in", tree, [constant, …]]
    ["number", tree]                the number that the tree's text is as people write it, such as £1,700
    ["address", tree]               the tree's text, with https:// before a web address without a scheme
    ["count", number, test, …]      the number and one for each test that holds, as text

An empty text counts as missing. A value is compared with a number as a number; a text that is no number (or is empty)
is never less, greater or equal. Compiled emails in the database hold trees, so none of these may change its meaning.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

from newsletters.compiled import Tree
from newsletters.expressions.list_values import number_of, web_address

VALUES = ("value", "field")  # kinds that are a member's value

FILTERS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": str.capitalize,
    "title": lambda text: " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" ")),
    "trim": str.strip,
}

# Kinds whose text another function makes of a tree's; authors can't write them.
MADE: dict[str, Callable[[str], str]] = {"number": number_of, "address": web_address}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def either(left: Tree, right: Tree) -> Tree:
    """Return the tree of `left or right`, without sides that are known."""
    if left[0] == "const":
        return left if left[1] else right
    return left if right[0] == "const" and not right[1] else ["or", left, right]


def both(left: Tree, right: Tree) -> Tree:
    """Return the tree of `left and right`, without sides that are known."""
    for one, other in ((left, right), (right, left)):
        if one[0] == "const":
            return other if one[1] else ["const", False]
    return ["and", left, right]


def depth_of(tree: Tree) -> int:
    """Return how many levels of lists the tree has."""
    return 1 + max((depth_of(part) for part in tree if isinstance(part, list)), default=0)


def fields_of(tree: Tree) -> tuple[str, ...]:
    """Return the member fields that a tree reads, sorted."""
    return tuple(sorted({part[1] for part in _walk(tree) if part[0] in VALUES}))


def fields_as_numbers(tree: Tree) -> set[str]:
    """Return the fields that a tree compares with numbers."""
    return {name for part in _walk(tree) if part[0] == "number" for name in fields_of(part)}


def holes(tree: Tree, present: frozenset[str] = frozenset()) -> set[frozenset[str]]:
    """Return the sets of fields that leave a hole in the tree's text if all of a set are empty.

    Fields that are known to be `present` do not count.
    """
    kind, *rest = tree
    if kind in VALUES:
        return set() if rest[0] in present else {frozenset(rest)}
    if kind == "const":
        return {frozenset()} if not rest[0] else set()
    if kind in ("filter", "address"):
        return holes(rest[-1], present)
    if kind == "concat":
        return {hole for part in rest for hole in holes(part, present) if hole}
    if kind == "or":
        return {frozenset().union(*each) for each in itertools.product(*(holes(part, present) for part in rest))}
    if kind == "if":
        return holes(rest[1], present | surely_present(rest[0])) | holes(rest[2], present)
    return set()


def surely_present(test: Tree) -> frozenset[str]:
    """Return the fields that can't be empty if `test` holds."""
    kind, *rest = test
    if kind in VALUES:
        return frozenset({rest[0]})
    if kind in ("filter", "number"):
        return surely_present(rest[-1])
    if kind == "and":
        return frozenset().union(*(surely_present(part) for part in rest))
    if kind in {"==", "<", "<=", ">", ">="} and rest[1] != "":
        return surely_present(rest[0])
    if kind == "in" and "" not in rest[1]:
        return surely_present(rest[0])
    return frozenset()


def _walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in {"in": tree[1:2], "const": []}.get(tree[0], tree[1:]):
        if isinstance(part, list):
            yield from _walk(part)
