"""Trees: what is left of a member expression after compiling, small enough for JSON, and how one is worked out.

    ["field", name]                 the member's value, "" where it is missing
    ["const", value]
    ["default", tree, text]         `text` where the tree gives nothing
    ["filter", name, tree]          one of FILTERS
    ["concat", tree, …]
    ["if", test, tree, tree]
    ["or", tree, …]  ["and", tree, …]  ["not", tree]
    ["==" | "!=" | "<" | "<=" | ">" | ">=", tree, constant]  ["in", tree, [constant, …]]

An empty text counts as missing. Against a number, a value is compared as a number; a value that is none
(nor is an empty one) is never less, greater or equal.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from newsletters.compiled import Tree

# Of one tree: characters as JSON, about, and levels. Each level is one or two of the 200 that Python's parser reads.
LARGEST = 50_000
DEEPEST = 60

Member = Mapping[str, Any]
Work = Callable[[Member], Any]

FILTERS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "capitalize": str.capitalize,
    "title": lambda text: " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" ")),
    "trim": str.strip,
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

# Control characters have no business in a value: a line break could end a header.
_CONTROLS = dict.fromkeys([*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029], " ")


def cleaned(member: Member, fields: Sequence[str], mark: str) -> dict[str, str]:
    """The member's `fields` as `worker` wants them: text, "" where missing, no control signs and no `mark` in it.

    `mark` is the tokens' beginning: no value may hold a token.
    """
    values = [member.get(name) or "" for name in fields]
    try:
        # One look at all of them together: hardly anybody's values need more.
        together = "".join(values)
    except TypeError:  # a number, from a caller's own mapping
        together = mark
    if mark in together or not together.isprintable():
        values = [clean(value, mark) for value in values]
    return dict(zip(fields, values, strict=True))


def clean(value: Any, mark: str) -> str:
    """One field's value as `cleaned` gives it."""
    if not value:
        return ""
    text = value if isinstance(value, str) else str(value)
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    # Taking it out may join what stood around it to another.
    while mark in text:
        text = text.replace(mark, "")
    return text


def worker(tree: Tree) -> Work:
    """A function from a cleaned member to the tree's value."""
    kind, *rest = tree
    if kind == "field":
        return operator.itemgetter(rest[0])
    if kind == "const":
        return lambda member, value=rest[0]: value  # type: ignore[misc]
    if kind in COMPARISONS or kind == "in":
        inner, holds = worker(rest[0]), compared(kind, rest[1])
        return lambda member: holds(inner(member))
    if kind == "default":
        return _default(worker(rest[0]), rest[1])
    if kind == "filter":
        return _filter(FILTERS[rest[0]], worker(rest[1]))
    return _combination(kind, [worker(part) for part in rest])


def either(left: Tree, right: Tree) -> Tree:
    """`left or right`, as far as it is not known already."""
    if left[0] == "const":
        return left if left[1] else right
    if right[0] == "const" and not right[1]:
        return left
    return [
        "or",
        left,
        ["const", right[1] if isinstance(right[1], bool) else str(right[1])] if right[0] == "const" else right,
    ]


def both(left: Tree, right: Tree) -> Tree:
    """`left and right`, as far as it is not known already."""
    for one, other in ((left, right), (right, left)):
        if one[0] == "const":
            return other if one[1] else ["const", False]
    return ["and", left, right]


def size_of(tree: Tree) -> int | None:
    """About how many characters the tree takes as JSON; None where it is too large or too deep to work with.

    A tree that stands twice in another is one object: written out, it may be far larger than what it was made of.
    """
    size, left = 0, [(tree, 1)]
    while left:
        part, depth = left.pop()
        size += len(part) + 1 if isinstance(part, str) else 1
        if size > LARGEST or depth > DEEPEST:
            return None
        if isinstance(part, list | tuple):
            left += ((each, depth + 1) for each in part)
    return size


def fields_of(tree: Tree) -> tuple[str, ...]:
    """The member fields that a tree reads, sorted."""
    return tuple(sorted({part[1] for part in _walk(tree) if part[0] == "field"}))


def holes(tree: Tree, present: frozenset[str] = frozenset()) -> set[frozenset[str]]:
    """The sets of fields that leave a hole in the tree's text where all of a set are empty.

    Fields that are known to be `present` are left out.
    """
    kind, *rest = tree
    if kind == "field":
        return set() if rest[0] in present else {frozenset(rest)}
    if kind == "const":
        return {frozenset()} if not rest[0] else set()
    if kind == "filter":
        return holes(rest[1], present)
    if kind == "concat":
        return {hole for part in rest for hole in holes(part, present) if hole}
    if kind == "or":
        return {frozenset().union(*each) for each in itertools.product(*(holes(part, present) for part in rest))}
    if kind == "if":
        return holes(rest[1], present | surely_present(rest[0])) | holes(rest[2], present)
    return set()


def surely_present(test: Tree) -> frozenset[str]:
    """The fields that can't be empty where `test` holds."""
    kind, *rest = test
    if kind == "field":
        return frozenset({rest[0]})
    if kind == "filter":
        return surely_present(rest[1])
    if kind == "and":
        return frozenset().union(*(surely_present(part) for part in rest))
    if kind in {"==", "<", "<=", ">", ">="} and rest[1] != "":
        return surely_present(rest[0])
    if kind == "in" and "" not in rest[1]:
        return surely_present(rest[0])
    return frozenset()


def _walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in tree[1:]:
        if isinstance(part, list | tuple) and part and isinstance(part[0], str) and tree[0] != "in":
            yield from _walk(part)
    if tree[0] == "in":
        yield from _walk(tree[1])


def _default(inner: Work, default: str) -> Work:
    return lambda member: inner(member) or default


def _filter(function: Callable[[str], str], inner: Work) -> Work:
    return lambda member: function(inner(member))


def _combination(kind: str, parts: list[Work]) -> Work:
    if kind == "concat":
        return lambda member: "".join([str(part(member)) for part in parts])
    if kind == "if":
        test, then, otherwise = parts
        return lambda member: then(member) if test(member) else otherwise(member)
    if kind == "not":
        return lambda member: not parts[0](member)
    if kind == "or":
        return lambda member: next((value for part in parts if (value := part(member))), "")
    if kind == "and":
        return lambda member: all(part(member) for part in parts)
    raise ValueError(f"{kind!r} is no kind of tree")


def compared(kind: str, constant: Any) -> Callable[[Any], bool]:
    """Whether a value compares so with a constant: as a number with a number, as text otherwise, "in" with a list."""
    if kind == "in":
        choices = frozenset(str(choice) for choice in constant)
        return lambda value: value in choices
    compare = COMPARISONS[kind]
    if not isinstance(constant, int | float) or isinstance(constant, bool):
        text = str(constant)
        return lambda value: compare(value, text)

    def as_numbers(value: Any) -> bool:
        try:
            return compare(float(value), constant)
        except ValueError:
            return kind == "!="

    return as_numbers
