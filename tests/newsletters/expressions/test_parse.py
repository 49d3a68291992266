"""Expressions: what becomes text, a slot or a condition, and what is refused with its place."""

from __future__ import annotations

import re

import pytest

from daisychain.errors import InputError
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Expressions
from newsletters.tokens import Mint
from tests.newsletters.compiling import compiled, merged
from tests.newsletters.expressions.tree_walker import walked

NAMES = {
    "toolkit": {
        "title": "Fair",
        "summary": "",
        "links": {"join": "https://a.example", "more-info": "https://b.example"},
    },
    "newsletter": {"language": "cy"},
}


def expressions() -> Expressions:
    return Expressions(Mint("00000000"), frozenset({"first_name", "city", "age"}), NAMES)


def lines(text: str) -> list[str]:
    return [line.text for line in expressions().evaluate(text, "may.md", 1)]


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ toolkit.title | upper }}", ["FAIR"]),
        ("{% if toolkit.links %}yes{% else %}no{% endif %}", ["yes"]),
        ("{% if toolkit.summary %}yes{% elif toolkit.title == 'Fair' %}no{% endif %}", ["no"]),
        ("{% if newsletter.language in ['cy', 'gd'] and not toolkit.summary %}Croeso{% endif %}", ["Croeso"]),
        ("{{ 'Croeso' if newsletter.language == 'cy' else toolkit.none.at.all }}", ["Croeso"]),
        ("{% if 'leave' in toolkit.links and toolkit.links.leave %}a{% endif %}b", ["b"]),
        ("{{ toolkit.summary or toolkit.title | lower }}", ["fair"]),
        ("{{ toolkit.summary | default('none') }} {{ toolkit.links.gone | default('#') }}", ["none #"]),
        ("{{ toolkit.links['more-info'] }}", ["https://b.example"]),
        ("{{ toolkit.title ~ '-' ~ 3 }} {{ -2 }} {{ 1.5 }}", ["Fair-3 -2 1.5"]),
        ("{% if 3 > 2 and '3' > 2 and not 'x' < 2 and true %}a{% endif %}", ["a"]),
        ("{{ 'x' if 'b' in [" + "'a', " * 999 + "'b'] }}", ["x"]),
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
    assert walked(found.slots[0].tree, member) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ member.fist_name }}", "first_name"),
        ("{{ member }}", "by itself"),
        ("{{ member.city == 'Hull' }}", "question"),
        ("{{ member.city | replace('a', 'b') }}", "no filter 'replace'"),
        ("{{ member.city | upper(1) }}", "brackets"),
        ("{{ member.city | default(member.age) }}", "one text in quotes"),
        ("{{ member.city.first }}", "by itself"),
        ("{{ member.city.upper() }}", "call"),
        ("{{ toolkit.links.keys() }}", "call"),
        ("{{ member.age + 1 }}", "`+`"),
        ("{{ 2 * 3 }}", "sums"),
        ("{{ -member.age }}", "sums"),
        ("{% if member.city is defined %}{% endif %}", "is defined"),
        ("{% if member.age > '17' %}{% endif %}", "numbers"),
        ("{% if member.city == member.age %}{% endif %}", "compared"),
        ("{% if member.city in 'Hull' %}{% endif %}", "one of a list"),
        ("{% if member.city in [member.age] %}{% endif %}", "not members' fields"),
        ("{% if 1 < member.age < 3 %}{% endif %}", "two things"),
        ("{{ 1 == 1 }}", "question"),
        ("{{ true }}", "true or false"),
        ("{{ none }}", "nothing"),
        ("{{ ['a'] }}", "a list"),
        ("{{ tolkit.title }}", "toolkit"),
        ("{{ toolkit.links.joi }}", "join"),
        ("{{ toolkit.links }}", "table"),
        ("{{ toolkit.links[0] }}", "can't be used"),
        ("{{ ''.__class__.__mro__ }}", "can't be used"),
        ("{{ toolkit.title.__class__ }}", "no '__class__' in a text"),
        ("{% if member.city %}", "{% if %} is not closed"),
        ("{% if member.city %}x{% endif %}{% endif %}", "belongs to no {% if %}"),
        ("{% unless member.city %}{% endunless %}", "no {% unless %}"),
        ("{{ member.city", "This {{ is not closed"),
        ("{% if member.city", "This {% is not closed"),
        ("{{ }}", "nothing between"),
        ("{% if %}x{% endif %}", "asks nothing"),
        ("{% if member.city = 'Leeds' %}x{% endif %}", "Write == to compare"),
        ("{% if member.city %}x{% else if member.role %}y{% endif %}", "Write {% elif … %}"),
        ("{% if member.city %}x{% else member.role %}y{% endif %}", "Write {% elif … %}"),
        ("{% if member.city %}x{% end if %}", "Write {% endif %}"),
        ("{% if member.city && member.role %}x{% endif %}", "Write `and`"),
        ("{% if member.city || member.role %}x{% endif %}", "Write `or`"),
        ("{% if !member.city %}x{% endif %}", "Write `not`"),
        ("{% if member.city <> 'Leeds' %}x{% endif %}", "Write !="),
        ("{% if member.age &gt; 17 %}x{% endif %}", "Type the character itself"),
        ("{{ member.city | default(“you”) }}", "These quotes are curly"),
        ("{{ member.city role }}", "A field's name is one word"),
        ("{{ 1e999 }}", "too large"),
        ("{{ member.city & 1 }}", "can't be read"),
        ("{{ 'a }}", "can't be read"),
        ("{# a note", "This {# is not closed"),
        ("{{ " + "9" * 400 + " }}", "too large"),
        ("{{ member.city" + " or member.city" * 300 + " }}", "too deep"),
        ("{{ member.city" + " | upper" * 3000 + " }}", "too deep"),
    ],
)
def test_what_can_t_be_a_slot_is_refused_with_its_line(source: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        expressions().evaluate(f"Hello\n\n{source}", "may.md", 10)
    assert message.lower() in str(error.value).lower()
    assert error.value.file == "may.md"
    assert error.value.line
    assert 12 <= error.value.line <= 13


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ " + "9" * 5000 + " }}", "too long"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "too deep"),
        ("{{ " + "not " * 5000 + "1 }}", "too deep"),
        ("{{ " + "[" * 300 + "]" * 300 + " }}", "too deep"),
        ("{% if 1 %}" * 900 + "{% endif %}" * 900, "too deep"),
    ],
)
def test_what_jinja_s_parser_can_not_hold_is_refused(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        expressions().evaluate(f"Hello\n\n{source}", "may.md", 10)
    assert error.value.place.startswith("may.md:1")


INSTEAD = {
    "{% for x in toolkit.links %}{{ x }}{% endfor %}": "Write out each line",
    "{% set a = toolkit.title %}": "Write the value itself",
    "{% set a %}text{% endset %}": "Write the value itself",
    "{% with a = 1 %}{{ a }}{% endwith %}": "Write the value itself",
    "{% macro x() %}{% endmacro %}": "::: copy NAME",
    "{% call x() %}{% endcall %}": "::: copy NAME",
    "{% include 'x' %}": "::: copy NAME",
    "{% import 'x' as x %}": "::: copy NAME",
    "{% from 'x' import x %}": "::: copy NAME",
    "{% extends 'x' %}": "::: copy NAME",
    "{% block x %}{% endblock %}": "::: copy NAME",
    "{% filter upper %}x{% endfilter %}": "Write it in each value",
    "{{ 'a'.ljust(400000000) }}": "Use a filter",
    "{{ range(9) }}": "Use a filter",
    "{{ 'a' * 9999999999 }}": "Write the result",
    "{{ 'a' + 'b' }}": "Join texts with ~",
    "{% if toolkit.links.x is defined %}{% endif %}": 'if "join" in toolkit.links',
    "{{ {'a': 1} }}": "Possible:",
}


def test_all_that_is_no_longer_possible_is_reported_at_once_with_its_line_and_what_to_write_instead() -> None:
    mistakes = Mistakes(collect=True)
    found = Expressions(Mint("00000000"), frozenset({"city"}), NAMES, mistakes)
    written = found.evaluate("\n".join([*INSTEAD, "{{ member.city }}"]), "may.md", 1)
    assert [error.line for error in mistakes.found] == list(range(1, len(INSTEAD) + 1))
    for error, instead in zip(mistakes.found, INSTEAD.values(), strict=True):
        assert instead in error.hint
        assert not re.search("jinja|template|token|tag", str(error), re.IGNORECASE)
    assert written[-1].text == "d00000000X0z"


def test_a_condition_that_is_not_closed_is_reported_where_it_opens() -> None:
    text = "a\n{% if member.city %}\nb\n{% if member.age %}c{% endif %}\n{% if member.age %}\n{% endif %}\nd"
    with pytest.raises(InputError, match=r"This {% if %} is not closed") as error:
        expressions().evaluate(text, "may.md", 10)
    assert error.value.line == 11


def test_a_mistake_after_elif_leaves_a_condition_that_is_whole() -> None:
    mistakes = Mistakes(collect=True)
    found = Expressions(Mint("00000000"), frozenset({"city"}), NAMES, mistakes)
    (line,) = found.evaluate("{% if member.city %}a{% elif member.town %}b{% endif %}", "may.md", 1)
    assert line.text == "d00000000B0zad00000000O0zd00000000E0z"
    assert len(mistakes.found) == 1


def test_a_text_can_not_take_in_a_toolkit_s_text_without_end() -> None:
    names = {"toolkit": {"summary": "x" * 50_000}}
    found = Expressions(Mint("00000000"), frozenset({"city"}), names)
    found.evaluate("{{ toolkit.summary }}", "may.md", 1)
    for source in ("{{ toolkit.summary }}\n", "{{ member.city ~ toolkit.summary }}\n"):
        with pytest.raises(InputError, match="too much text") as error:
            found.evaluate(source * 1_000, "may.md", 1)
        assert error.value.line == 21


def test_a_line_keeps_the_number_that_its_author_knows() -> None:
    source = "a\n{% if toolkit.title %}\nb\n{% endif %}\n{% if member.city %}\nc\n{% endif %}\nd"
    found = [(line.text, line.number) for line in expressions().evaluate(source, "may.md", 5)]
    begin, end = "d00000000B0z", "d00000000E0z"
    assert found == [("a", 5), ("b", 7), (begin, 9), ("c", 10), (end, 11), ("d", 12)]


def test_a_field_of_the_document_or_the_list_is_known() -> None:
    assert "Hull" in merged(compiled("{{ member.city }}", front="fields: [city]"), city="Hull").text
    assert "Hull" in merged(compiled("{{ member.city }}", list_fields=frozenset({"city"})), city="Hull").text


def test_a_quote_in_a_toolkit_s_text_does_not_end_an_attribute() -> None:
    html = compiled('::: button "{{ \'Say "hi"\' }}" href=https://a.example').email.html
    assert '>Say "hi"</a>' in html


def test_one_mistake_does_not_hide_the_others_and_none_is_in_jinja2_s_words() -> None:
    reading = expressions()
    reading.mistakes = Mistakes(collect=True)
    source = """\
{% if member.city = 'Leeds' %}
a
{% else if member.age %}
b {{ member.city ~~ }}
{% endif %}
{% if member.city %}
{{ member.town }}
c {{
"""
    read = [line.text for line in reading.evaluate(source, "may.md", 10)]
    assert sorted(error.line or 0 for error in reading.mistakes.found) == [10, 12, 13, 15, 16, 17]
    assert "a" in read
    said = " ".join(str(error) for error in reading.mistakes.found)
    assert re.findall(r"(?i)expected|token|template|block", said) == []
