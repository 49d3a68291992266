"""Expressions: what becomes text, a slot or a condition, and what is refused with its place."""

from __future__ import annotations

import time

import pytest

from daisychain.errors import InputError
from newsletters.expressions.parse import Expressions
from newsletters.expressions.trees import cleaned, fields_of, worker
from newsletters.tokens import Mint
from tests.newsletters.compiling import compiled, merged

NAMES = {"toolkit": {"title": "Fair", "links": {"join": "https://a.example", "more": "https://b.example"}}}


def expressions() -> Expressions:
    return Expressions(Mint("00000000"), frozenset({"first_name", "city", "age"}), NAMES)


def lines(text: str) -> list[str]:
    return [line.text for line in expressions().evaluate(text, "may.md", 1)]


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ toolkit.title | upper }}", ["FAIR"]),
        ("{% if toolkit.links %}yes{% else %}no{% endif %}", ["yes"]),
        (
            "{% for name, url in toolkit.links.items() %}\n- {{ loop.index }} {{ name }}\n{% endfor %}",
            ["- 1 join", "- 2 more"],
        ),
        ("{% set n = 2 + 3 %}\n{{ n }}", ["5"]),
        ("{% if toolkit.title and member.city %}a{% endif %}", ["d00000000B0zad00000000E0z"]),
        ("{% if toolkit.title or member.city %}a{% endif %}", ["a"]),
        ("{# a note #}a", ["a"]),
        ("{% raw %}{{ x }}{% endraw %}", ["{{ x }}"]),
    ],
)
def test_what_needs_no_member_is_done_at_once(source: str, written: list[str]) -> None:
    assert lines(source) == written


@pytest.mark.parametrize(
    ("source", "member", "value"),
    [
        ("member.first_name", {"first_name": "Ann"}, "Ann"),
        ("member['first_name'] | trim | title", {"first_name": " ann LEE "}, "Ann Lee"),
        ("member.first_name | default('you')", {"first_name": ""}, "you"),
        ("member.first_name | d('you') | upper", {}, "YOU"),
        ("member.first_name or member.city or 'you'", {"city": "Hull"}, "Hull"),
        ("member.first_name ~ ' of ' ~ toolkit.title", {"first_name": "Ann"}, "Ann of Fair"),
        ("'a' if member.city in ['Hull'] else 'b'", {"city": "Hull"}, "a"),
        ("'a' if 17 < member.age else 'b'", {"age": "18"}, "a"),
        ("'a' if member.age != 18 else 'b'", {"age": ""}, "a"),
        ("'a' if member.city not in ['Hull'] and not member.age else 'b'", {}, "a"),
    ],
)
def test_a_member_s_expression_is_worked_out_without_jinja(source: str, member: dict[str, str], value: str) -> None:
    found = expressions()
    found.evaluate("{{ " + source + " }}", "may.md", 1)
    assert worker(found.slots[0].tree)(cleaned(member, fields_of(found.slots[0].tree), "mark")) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ member.fist_name }}", "first_name"),
        ("{{ member }}", "alone"),
        ("{{ member.city == 'Hull' }}", "question"),
        ("{{ member.city | replace('a', 'b') }}", "replace"),
        ("{{ member.city.upper() }}", "call"),
        ("{{ member.age + 1 }}", "`+`"),
        ("{% for x in member.city %}{% endfor %}", "loop"),
        ("{% if member.city is defined %}{% endif %}", "is defined"),
        ("{% if member.age > '17' %}{% endif %}", "numbers"),
        ("{% if member.city == member.age %}{% endif %}", "compared"),
        ("{% if 1 < member.age < 3 %}{% endif %}", "two things"),
        ("{{ tolkit.title }}", "toolkit"),
        ("{{ toolkit.links.joi }}", "join"),
        ("{{ toolkit.links }}", "table"),
        ("{% include 'x' %}", "include"),
        ("{% macro x() %}{% endmacro %}", "macro"),
        ("{{ ''.__class__.__mro__ }}", "no business"),
        ("{{ 'a' * 9999999999 }}", "no business"),
        ("{% for a in range(900) %}{% for b in range(900) %}\n{% endfor %}{% endfor %}", "too much"),
        ("{{ member.city", "unexpected"),
        ("{% if member.city %}", "end"),
    ],
)
def test_what_can_t_be_a_slot_is_refused_with_its_line(source: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        expressions().evaluate(f"Hello\n\n{source}", "may.md", 10)
    assert message.lower() in str(error.value).lower()
    assert error.value.file == "may.md"
    assert error.value.line
    assert 12 <= error.value.line <= 13


GREEDY = {
    "a format": ("{{ '%400000000d' % 1 }}", "no business"),
    "a method": ("{{ 'a'.ljust(400000000) }}", "can't be called"),
    "a method by another name": ("{% set range = 'a'.ljust %}{{ range(400000000) | length }}", "can't be called"),
    "a method out of a filter": ("{{ 'a' | attr('ljust') }}", "attr"),
    "doubling": ("{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 25 + "{{ a | length }}", "too large"),
    "adding": ("{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 25 + "{{ a | length }}", "too large"),
    "lists in lists": ("{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a | string | length }}", "too large"),
    "multiplying": ("{% set a = 99999 %}" + "{% set a = a * a %}" * 40 + "{{ a }}", "too large"),
    "replacing": ("{% set a = range(2000) | join('aaaa') %}{{ a | replace('a', a) | length }}", "too large"),
    "joining": ("{% set a = range(2000) | join('aaaa') %}{{ range(4000) | join(a) | length }}", "too large"),
    "a large range": ("{{ range(100000) | map('string') | list | length }}", "too large"),
    "filling up": ("{{ [1] | batch(100000000, 'x') | list | length }}", "batch"),
    "precision": ("{{ 1 | round(1000000000) + 'a' }}", "no business"),
    "digits": ("{{ " + "9" * 5000 + " }}", "too long"),
    "brackets": ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "too deep"),
    "a chain of not": ("{{ " + "not " * 5000 + "1 }}", "too deep"),
    "lists in a list": ("{{ " + "[" * 150 + "]" * 150 + " }}", "too deep"),
    "ifs": ("{% if 1 %}" * 900 + "{% endif %}" * 900, "too deep"),
    "a chain of or": ("{{ member.city" + " or member.city" * 300 + " }}", "too long"),
    "loops in loops": (
        "{% for a in range(300) %}{% for b in range(300) %}{% set c = 1 %}{% endfor %}{% endfor %}",
        "much",
    ),
    "doubling what a member has": (
        "{% set a = member.city %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "too large or too deep",
    ),
    "a long text many times": (
        "{% set a = member.city ~ '" + "x" * 9_000 + "' %}" + "{% set a = a ~ a %}" * 5 + "{{ a }}",
        "too large or too deep",
    ),
    "names that stand for names": (
        "{% set a = member.city %}" + "{% set a = a and not member.city %}" * 110 + "{% if a %}x{% endif %}",
        "too large or too deep",
    ),
    "a large tree many times": (
        "{% set a = member.city %}" + "{% set a = a ~ a %}" * 10 + "{% for b in range(900) %}{{ a }}{% endfor %}",
        "too much",
    ),
    "one line": ("{% for a in range(900) %}" + "word " * 200 + "{% endfor %}", "too much"),
}


@pytest.mark.parametrize(("source", "message"), GREEDY.values(), ids=GREEDY)
def test_what_would_fill_the_memory_or_take_for_ever_is_refused_with_its_line(source: str, message: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputError, match=message) as error:
        expressions().evaluate(f"Hello\n\n{source}", "may.md", 10)
    assert error.value.place.startswith("may.md:1")
    assert time.process_time() - begun < 5


def test_loops_are_counted_over_all_parts_of_a_newsletter() -> None:
    found, loops = expressions(), "{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}"
    for _ in range(4):
        found.evaluate(loops, "may.md", 1)
    with pytest.raises(InputError, match="too much"):
        found.evaluate(loops, "may.md", 1)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ 7 % 4 + 6 / 4 }}", "4.5"),
        ("{{ 'a' + 'b' }}", "ab"),
        ("{{ ['a', 'b'] | join(', ') | replace('a', 'c') }}", "c, b"),
        ("{{ 2.345 | round(1) }}", "2.3"),
        ("{{ toolkit.links.keys() | list | length }}", "2"),
        ("{{ 'x' if 'b' in [" + "'a', " * 999 + "'b'] }}", "x"),
    ],
)
def test_what_newsletters_do_goes_on_to_work(source: str, written: str) -> None:
    assert lines(source) == [written]


def test_a_line_keeps_the_number_that_its_author_knows() -> None:
    source = "a\n{% if toolkit.title %}\nb\n{% endif %}\n{% for n in [1, 2] %}\nc\n{% endfor %}\nd"
    found = [(line.text, line.number) for line in expressions().evaluate(source, "may.md", 5)]
    assert found == [("a", 5), ("b", 7), ("c", 10), ("c", 10), ("d", 12)]


def test_a_field_of_the_document_or_the_list_is_known() -> None:
    assert "Hull" in merged(compiled("{{ member.city }}", front="fields: [city]"), city="Hull").text
    assert "Hull" in merged(compiled("{{ member.city }}", list_fields=frozenset({"city"})), city="Hull").text


def test_a_quote_in_a_toolkit_s_text_does_not_end_an_attribute() -> None:
    html = compiled('::: button "{{ \'Say "hi"\' }}" href=https://a.example').email.html
    assert '>Say "hi"</a>' in html
