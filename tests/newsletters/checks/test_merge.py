"""Fields of members: holes, unknown ones, other tools' tags, and values that are too long."""

from __future__ import annotations

import pytest

from tests.newsletters.checks.planting import Planted, newsletter
from tests.newsletters.crowd import Crowd

ANN = {"email": "ann@a.example", "first_name": "Ann", "city": "Hull"}
BO = {"email": "bo@a.example", "first_name": "", "city": "Leeds"}
CROWD = Crowd(ANN, BO)
ROLES = [{**ANN, "role": role} for role in ("£1,700", "1.700,50", "", "N/A")]
LONG = Crowd({**ANN, "city": "Llanfairpwllgwyngyll" * 4})

PLANTED = [
    Planted(
        "merge-unknown-field",
        newsletter("Hello\n\nYour {{ member.role | default('part') }}", people=CROWD),
        newsletter("Hello\n\nYour {{ member.city | default('part') }}", people=CROWD),
        8,
        "Nobody on the list 'news' has the field 'role'",
    ),
    Planted(
        "merge-empty-field",
        newsletter("Dear {{ member.first_name }},", people=CROWD),
        newsletter("Dear {{ member.first_name | default('friend') }},", people=CROWD),
        6,
        "'first_name' is empty for 1 of 2 people",
    ),
    Planted("merge-left-over", newsletter("a\n\nDear *|FNAME|*,"), newsletter("a\n\nDear | all |,"), 8, "|FNAME|"),
    Planted(
        "merge-long-value",
        newsletter("In {{ member.city }}", people=LONG),
        newsletter("[In](https://a.org/?{{ member.city }})", people=LONG),
        6,
        "80 characters",
    ),
    Planted(
        "merge-no-value",
        newsletter("In {{ member.city | default('town') }}", people=Crowd(ANN, {**BO, "city": "N/A"})),
        newsletter("In {{ member.city | default('town') }}", people=CROWD),
        6,
        "'city' is 'N/A' for 1 of 2 people",
    ),
    Planted(
        "merge-not-a-number",
        newsletter("{% if member.role > 17 %}a{% endif %}", people=Crowd(*ROLES, {**BO, "role": "42 years"})),
        newsletter("{% if member.role > 17 %}a{% endif %}", people=Crowd(*ROLES)),
        6,
        "'role' is '42 years', which is no number, for 1 of 5 people",
    ),
    Planted(
        "merge-no-list",
        newsletter("In {{ member.city }}"),
        newsletter("In {{ member.city | default('Hull') }}"),
        6,
        "'city'",
    ),
]


def test_a_word_for_no_value_is_a_hole_too() -> None:
    found = newsletter("Dear {{ member.city }},", people=Crowd(ANN, {**BO, "city": "-"}))("merge-empty-field")
    assert "'city' is empty for 1 of 2 people" in found[0].message


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("\n[a](https://a.example/{{ member.first_name }})", 7),
        ("{% if member.city %}{{ member.first_name }}{% endif %}", 6),
        ("{% if member.first_name or member.city %}{{ member.first_name }}{% endif %}", 6),
    ],
)
def test_a_hole_is_found_wherever_a_value_may_be_missing(body: str, line: int) -> None:
    assert [found.place for found in newsletter(body, people=CROWD)("merge-empty-field")] == [f"may.md:{line}"]


@pytest.mark.parametrize(
    "body",
    [
        "{% if member.first_name %}Dear {{ member.first_name }}{% endif %}",
        "{% if member.first_name %}[a](https://a.example/{{ member.first_name }}){% endif %}",
        "{% if member.first_name and member.city %}{{ member.first_name | upper }}{% else %}all{% endif %}",
        "{{ member.first_name or member.city }}",
        "{{ member.first_name if member.first_name else 'friend' }}",
        "{% if member.first_name == 'Ann' %}{{ member.first_name }}{% endif %}",
    ],
)
def test_a_value_that_is_guarded_needs_no_default(body: str) -> None:
    assert newsletter(body, people=CROWD)("merge-empty-field") == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("{% if member.city %}In {{ member.city }}{% endif %}", []),
        ("{% if member.city == 'Hull' %}Here{% endif %}", []),
        ("{{ member.role | default('a') }}\n\nIn {{ member.city }}", [8]),
    ],
)
def test_without_a_list_only_fields_that_could_leave_a_hole_are_told(body: str, lines: list[int]) -> None:
    assert [found.place for found in newsletter(body)("merge-no-list")] == [f"may.md:{line}" for line in lines]


@pytest.mark.parametrize(
    "tag",
    [
        "{% raw %}{{ first_name }}{% endraw %}",
        "%recipient.name%",
        "[firstname,fallback=you]",
        "@FIRST_NAME@",
        "%%city%%",
        "[subscriber:firstname | default:reader]",
        "%%=v(@name)=%%",
        "first_name }}",
        "[b](https://a.org/{id})",
        "[b](https://a.org/?e=*|EMAIL|*)",
        "[b](https://a.org/%%city%%)",
    ],
)
def test_the_tags_of_other_tools_are_told(tag: str) -> None:
    assert [found.place for found in newsletter(f"a\n\nDear {tag},")("merge-left-over")] == ["may.md:8"]


@pytest.mark.parametrize(("name", "code"), [
    ("Ann {name}", "merge-left-over"), ("%%sender%%", "merge-left-over"), ("**Ann**", "markup-signs"),
])  # fmt: skip
def test_what_is_left_over_in_the_sender_is_told_there(name: str, code: str) -> None:
    look = newsletter(front=f"subject: Hello\npreheader: a\nfrom: '{name} <a@a.org>'")
    assert [found.place for found in look(code)] == ["may.md:5"]


def test_a_tag_that_is_left_over_in_the_subject_is_told_there() -> None:
    look = newsletter(front="subject: Hello *|FNAME|*\npreheader: a")
    assert [found.place for found in look("merge-left-over")] == ["may.md:3"]


@pytest.mark.parametrize("body", ['Write {{ "{{" }} first_name }} there', "Write {{ '{{ first_name }}' }} there"])
def test_braces_that_are_meant_are_no_merge_field(body: str) -> None:
    assert newsletter(body)("merge-left-over") == []
