"""Formulas: whatever the tree and the member, the compiled formula gives what the tree does, node by node."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from daisychain.errors import InputError
from newsletters.compiled import Tree
from newsletters.expressions.parse import Expressions
from newsletters.expressions.trees import COMPARISONS, FILTERS, cleaned, fields_of, worker
from newsletters.merge.escaping import escape
from newsletters.merge.formulas import Formulas
from newsletters.tokens import Mint
from tests.newsletters.compiling import compiled, merged

MARK = "d0123abcd"
FIELDS = ("first_name", "city", 'odd "name\\', "key")
WORDS = [
    "",
    " ",
    "Ann",
    "ANN lee",
    "O'Neill & Søn",
    '<b>"x"</b>',
    "17",
    "1e3",
    "nan",
    "{0}",
    "\\",
    "a\nb",
    "\u2028",
    "h0",
]
VALUES = [*WORDS, None, f"{MARK}M0z", f"d0123{MARK}abcdS1z", 0, 1, 1.0, True, 17, "x" * 500]


def text_tree(chance: Random, depth: int) -> Tree:
    """A random tree that is a text."""
    kind = chance.choice(["field", "const", "default", "filter", "concat", "or", "if"] if depth else ["field", "const"])
    if kind == "field":
        return ["field", chance.choice(FIELDS)]
    if kind == "const":
        return ["const", chance.choice(WORDS)]
    if kind == "default":
        return ["default", text_tree(chance, depth - 1), chance.choice(WORDS)]
    if kind == "filter":
        return ["filter", chance.choice([*FILTERS]), text_tree(chance, depth - 1)]
    test = [truth_tree(chance, depth - 1)] if kind == "if" else []
    return [kind, *test, *(text_tree(chance, depth - 1) for _ in range(2))]


def truth_tree(chance: Random, depth: int) -> Tree:
    """A random tree that holds or does not."""
    kind = chance.choice(["in", *COMPARISONS, *(["not", "and", "or"] if depth else [])])
    if kind == "not":
        return ["not", truth_tree(chance, depth - 1)]
    if kind in ("and", "or"):
        return [kind, *(chance.choice([text_tree, truth_tree])(chance, depth - 1) for _ in range(2))]
    inner = text_tree(chance, max(depth - 1, 0))
    if kind == "in":
        return ["in", inner, chance.choices(WORDS, k=3)]
    return [kind, inner, chance.choice([*WORDS, 17, 0.5, 1000])]


def members(chance: Random) -> list[dict[str, Any]]:
    """Some people, each twice, as the second time their values are known."""
    people = [{name: chance.choice(VALUES) for name in FIELDS if chance.random() < 0.9} for _ in range(4)]
    return [*people, {}, *people]


@pytest.mark.parametrize("seed", range(4))
def test_a_formula_gives_what_its_tree_gives_also_as_html(seed: int) -> None:
    chance = Random(seed)
    for _ in range(300):
        text, test = text_tree(chance, 4), truth_tree(chance, 3)
        formulas = Formulas(MARK)
        parts = formulas.value(text), formulas.escaped(text), f"bool({formulas.value(test)})"
        filled = formulas.function([f"return {', '.join(parts)}"])
        for member in members(chance):
            expected, holds = (worker(tree)(cleaned(member, fields_of(tree), MARK)) for tree in (text, test))
            assert filled(member.get, "") == (expected, escape(expected), bool(holds)), (text, test, member)


def test_what_is_kept_of_some_people_is_never_another_s() -> None:
    formulas = Formulas(MARK)
    both = [formulas.escaped(["field", name]) for name in ("first_name", "city")]
    filled = formulas.function([f"return {', '.join(both)}"])
    for number in range(10_000):  # more than are kept
        member = {"first_name": f"<{number}>", "city": str(number % 7)}
        assert filled(member.get, "") == (f"&lt;{number}&gt;", str(number % 7))


def test_conditions_may_lie_deep_within_each_other() -> None:
    inner = "".join(f"{{% if member.last_name != 'no{number}' %}}({number})" for number in range(90))
    compilation = compiled(f"Begun {inner}{'{% endif %}' * 90}")
    assert re.findall(r"\((\d+)\)", merged(compilation, last_name="no50").text)[-1] == "49"
    assert re.findall(r"\((\d+)\)", merged(compilation, last_name="").text)[-1] == "89"


@pytest.mark.parametrize(
    "more",
    [
        "a ~ 'b'", "a | default('b')", "a | upper", "a or member.first_name", "'b' if a else member.first_name",
        "a and not member.first_name", "not a", "(a ~ 'b') | lower | default('c')",
        "(a and member.first_name) or not a",
    ],
)  # fmt: skip
def test_an_expression_as_deep_as_they_may_be_can_be_filled_in(more: str) -> None:
    found = Expressions(Mint("00000000"), frozenset(FIELDS), {})
    deeper = f"{{% set a = {more} %}}{{% if a %}}x{{% endif %}}" * 99
    with pytest.raises(InputError, match="too deep"):
        found.evaluate("{% set a = member.city %}" + deeper, "may.md", 1)
    deepest, formulas, member = found.conditions[-1].tree, Formulas(MARK), {"city": "Hull"}
    filled = formulas.function([f"return {formulas.value(deepest)}"])
    assert filled(member.get, "") == worker(deepest)(cleaned(member, FIELDS, MARK))
