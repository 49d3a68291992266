"""Evaluating: whatever the tree and the member, the function made of it gives what walking it gives."""

from __future__ import annotations

import re
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from daisychain.errors import InputError
from newsletters.compiled import Tree
from newsletters.expressions.escaping import escape
from newsletters.expressions.evaluate import Formulas, evaluate
from newsletters.expressions.parse import Expressions
from newsletters.expressions.trees import COMPARISONS, FILTERS, depth_of, fields_of
from newsletters.tokens import Mint
from tests.newsletters.compiling import compiled, merged
from tests.newsletters.expressions.tree_walker import walked

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
    "NULL",
    " - ",
    "£1,700",
    "1.700,50",
    "€ 20",
    "-5,5",
    "42 years",
]
VALUES = [*WORDS, None, f"{MARK}M0z", f"d0123{MARK}abcdS1z", 0, 1, 1.0, True, 17, "x" * 500]


def text_tree(chance: Random, depth: int) -> Tree:
    """A random tree that is a text."""
    kind = chance.choice(
        ["field", "value", *(["const", "default", "filter", "concat", "or", "if"] if depth else ["const"])]
    )
    if kind in ("field", "value"):
        return [kind, chance.choice(FIELDS)]
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
    constant = chance.choice([*WORDS, 17, 0.5, 1000, 20, 1700])
    return [kind, inner if isinstance(constant, str) or chance.random() < 0.5 else ["number", inner], constant]


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
        parts = formulas.value(text), formulas.value(text, escaped=True), f"bool({formulas.value(test)})"
        filled = formulas.function([f"return {', '.join(parts)}"])
        for member in members(chance):
            expected, holds = (walked(tree, member, MARK) for tree in (text, test))
            assert filled(member.get, "") == (expected, escape(expected), bool(holds)), (text, test, member)


def test_a_count_is_a_number_and_one_for_each_test_that_holds() -> None:
    tree = ["count", 3, ["value", "city"], ["not", ["value", "key"]], ["==", ["number", ["value", "key"]], 17]]
    formulas = Formulas(MARK)
    filled = formulas.function([f"return {formulas.value(tree)}, {formulas.value(tree, escaped=True)}"])
    for member in ({}, {"city": "Hull"}, {"city": "-", "key": "17"}, {"city": "Hull", "key": "£17.00"}):
        assert filled(member.get, "") == (walked(tree, member),) * 2


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("£1,700", 1700), ("1.700,50", 1700.5), ("1,700.50", 1700.5), ("1 700", 1700), ("1\u00a0700,5", 1700.5),
        ("1’700", 1700), ("€ 1.700", 1700), ("1.700", 1.7), ("12,50", 12.5), ("1,70,000", 170000), ("20 €", 20),
        ("-5", -5), ("−5", -5), ("£-5", -5), ("+5", 5), ("20.-", 20), ("GBP 20", 20), ("20 EUR", 20), ("50%", 50),
        ("1e3", 1000), ("١٬٧٠٠٫٥", 1700.5), ("٤٢", 42), ("1.700.000", 1700000), ("0,700", 0.7),
        ("CHF 1’234.50", 1234.5),
        ("Rs. 1,700", 1700), ("20.", 20),
    ],
)  # fmt: skip
def test_a_number_as_people_write_it_compares_as_that_number(written: str, number: float) -> None:
    for test, holds in (
        (f"== {number}", True),
        (f"> {number}", False),
        (f">= {number}", True),
        (f"!= {number}", False),
    ):
        shown = merged(compiled(f"{{% if member.last_name {test} %}}yes{{% else %}}no{{% endif %}}"), last_name=written)
        assert ("yes" in shown.text) == holds, test


@pytest.mark.parametrize(
    "written", ["42 years", "", "N/A", "nan", "inf", "1_000", "17,00,0", "1,2,3", "£", "1.7k", "1 2"]
)
def test_what_is_no_number_is_only_unequal(written: str) -> None:
    for test in ("== 1", "< 1", "> 1", "<= 1", ">= 1", "!= 1"):
        shown = merged(compiled(f"{{% if member.last_name {test} %}}yes{{% else %}}no{{% endif %}}"), last_name=written)
        assert ("yes" in shown.text) == (test == "!= 1")


@pytest.mark.parametrize(
    "written",
    ["NULL", "null", "N/A", "n/a", "N/a", "#N/A", "NaN", "<NULL>", "\\N", "-", "–", "--", " - ", ".", "?", "", "   "],
)
def test_a_word_for_no_value_counts_as_no_value(written: str) -> None:
    body = 'Dear {{ member.last_name | default("friend") }}, {% if member.last_name %}yes{% else %}no{% endif %}'
    assert "Dear friend, no" in merged(compiled(body), last_name=written).text


@pytest.mark.parametrize("written", ["Null", "Na", "Nan", "None", "A-B", "Nil", "A."])
def test_a_name_that_looks_like_no_value_is_a_name(written: str) -> None:
    assert (
        f"Dear {written},"
        in merged(compiled('Dear {{ member.last_name | default("friend") }},'), last_name=written).text
    )


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        (["field", "key"], "N/A"),
        (["if", [">", ["field", "gift"], 1000], "many", "few"], "few"),
        (["if", ["==", ["field", "plain"], 1700], "many", "few"], "many"),
    ],
)
def test_trees_that_databases_hold_mean_what_they_meant(tree: Tree, shown: str) -> None:
    tree = [part if at < 2 or isinstance(part, list) else ["const", part] for at, part in enumerate(tree)]
    formulas, member = Formulas(MARK), {"key": "N/A", "gift": "£1,700", "plain": "1700"}
    assert formulas.function([f"return {formulas.value(tree)}"])(member.get, "") == shown == walked(tree, member)


def test_what_is_kept_of_some_people_is_never_another_s() -> None:
    formulas = Formulas(MARK)
    both = [formulas.value(["field", name], escaped=True) for name in ("first_name", "city")]
    filled = formulas.function([f"return {', '.join(both)}"])
    for number in range(10_000):  # more than are kept
        member = {"first_name": f"<{number}>", "city": str(number % 7)}
        assert filled(member.get, "") == (f"&lt;{number}&gt;", str(number % 7))


def test_conditions_may_lie_deep_within_each_other() -> None:
    inner = "".join(f"{{% if member.last_name != 'no{number}' %}}({number})" for number in range(90))
    compilation = compiled(f"Begun {inner}{'{% endif %}' * 90}")
    assert re.findall(r"\((\d+)\)", merged(compilation, last_name="no50").text)[-1] == "49"
    assert re.findall(r"\((\d+)\)", merged(compilation, last_name="").text)[-1] == "89"


def test_a_tree_without_fields_has_a_value_without_a_member() -> None:
    chance = Random(5)
    trees = [make(chance, 3) for make in (text_tree, truth_tree) for _ in range(600)]
    constant = [tree for tree in trees if not fields_of(tree)]
    assert len(constant) > 100
    for tree in constant:
        value, expected = evaluate(tree), walked(tree, {})
        assert value == expected or bool(value) == bool(expected) is False, tree


DEEPER = [
    "{} ~ 'b'", "{} | default('b')", "{} | upper", "{} or member.city", "('b' if {} else member.city)",
    "({} and not member.first_name)", "(not {})", "({} ~ 'b') | lower | default('c')",
    "(({} and member.first_name) or not member.city)",
]  # fmt: skip


def tree_of(source: str) -> Tree:
    """The tree of a condition's test; None if it is refused."""
    found = Expressions(Mint("00000000"), frozenset(FIELDS), {})
    with suppress(InputError):
        found.evaluate(f"{{% if {source} %}}x{{% endif %}}", "may.md", 1)
    return found.conditions[0].test if found.conditions else None


@pytest.mark.parametrize("deeper", DEEPER)
def test_an_expression_as_deep_as_they_may_be_can_be_filled_in(deeper: str) -> None:
    source, deepest = "member.city", tree_of("member.city")
    while (tree := tree_of(source := f"({deeper.format(source)})")) is not None:
        deepest = tree
    assert depth_of(deepest) > 10
    formulas, member = Formulas(MARK), {"city": "Hull", "first_name": "Ann"}
    filled = formulas.function([f"return {formulas.value(deepest)}"])
    assert bool(filled(member.get, "")) == bool(walked(deepest, member))
