"""Walk a tree to its value, node by node: slower than the product's functions, and written apart from them."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from newsletters.compiled import Tree

CONTROLS = [*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029]
COMPARE = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
FILTERS = {
    "upper": str.upper, "lower": str.lower, "capitalize": str.capitalize, "trim": str.strip,
    "title": lambda text: " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" ")),
}  # fmt: skip

NO_VALUES = {
    "", "-", "--", "–", "—", "NULL", "null", "(null)", "<null>", "N/A", "n/a", "#N/A", "#REF!", "#VALUE!", "#NAME?",
    "#DIV/0!", "#NULL!", "#NUM!", "#ERROR!", "(NULL)", "<NULL>", "[null]", "[NULL]", "\\N", "N/a", "NaN", "nan",
    "undefined", "---", ".", "..", "...", "?", "_", "n.a.", "N.A.", "(blank)", "(empty)",
}  # fmt: skip


def walked(tree: Tree, member: Mapping[str, Any], mark: str = "") -> Any:
    """The tree's value for `member`; `mark` is taken out of what the member has."""
    kind, *rest = tree
    if kind == "field":
        return cleaned(member.get(rest[0]), mark)
    if kind == "value":
        text = cleaned(member.get(rest[0]), mark)
        return "" if text.strip() in NO_VALUES else text
    if kind == "count":
        return str(rest[0] + sum(1 for test in rest[1:] if walked(test, member, mark)))
    if kind == "const":
        return rest[0]
    if kind == "if":
        return walked(rest[1] if walked(rest[0], member, mark) else rest[2], member, mark)
    if kind in ("or", "and", "not", "concat"):
        values = [walked(part, member, mark) for part in rest]
        if kind == "or":
            return next(filter(None, values), "")
        return {"and": all(values), "not": not values[0], "concat": "".join(map(str, values))}[kind]
    if kind == "number":
        return as_number(walked(rest[0], member, mark))
    value = walked(rest[1] if kind == "filter" else rest[0], member, mark)
    if kind == "default":
        return value or rest[1]
    if kind == "filter":
        return FILTERS[rest[0]](value)
    if kind == "in":
        return value in [str(choice) for choice in rest[1]]
    try:
        return COMPARE[kind](value if isinstance(rest[1], str) else float(value), rest[1])
    except ValueError:
        return kind == "!="


def as_number(text: str) -> str:
    """The text as Python writes a number if people would read it as one, else empty: for the signs that tests use."""
    bare = text.strip()
    minus = bare.startswith("-")
    bare = bare.removeprefix("-").strip("£€ ").replace(" ", "")
    if bare.isdigit() or re.fullmatch(r"\d+e\d\d?", bare):
        return f"{'-' if minus else ''}{bare}"
    signs = [each for each in bare if each in ".,"]
    if not signs or not re.sub("[.,]", "", bare).isdigit():
        return ""
    first, *groups = re.split("[.,]", bare)
    grouped = all(len(each) == 3 for each in groups) and 1 <= len(first) <= 3 and first[0] != "0"
    if signs == [","] * len(groups) and grouped:
        digits = "".join([first, *groups])
    elif len(groups) == 1 and groups[0]:
        digits = f"{first or 0}.{groups[0]}" if first or signs == ["."] else ""
    elif len(set(signs[:-1])) == 1 and signs[-1] != signs[0] and all(len(each) == 3 for each in groups[:-1]):
        digits = f"{first}{''.join(groups[:-1])}.{groups[-1]}" if 1 <= len(first) <= 3 and first[0] != "0" else ""
    else:
        digits = "".join([first, *groups]) if signs == ["."] * len(groups) and grouped else ""
    return f"{'-' if minus else ''}{digits}" if digits else ""


def cleaned(value: Any, mark: str) -> str:
    """A member's value without control characters, and without any `mark`."""
    text = str(value or "").translate(dict.fromkeys(CONTROLS, " "))
    while mark and mark in text:
        text = text.replace(mark, "")
    return text
