"""Merging: tagged parts with values put in are the rendered mail, whoever the member is."""

from __future__ import annotations

import html
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from newsletters.compiled import CompiledEmail
from newsletters.compose.compiler import Compilation
from newsletters.merge.merge import KEY, LinkKeys, MergePlan, References, link_url, plan_merge
from tests.newsletters.compiling import compiled, merged, plan

BODY = """
::: hero "Hello {{ member.first_name | default('friend') | upper }}" kicker="{{ member.city | default('Everywhere') }}"
:::

Dear **{{ member.first_name or member.last_name or "friend" }}**, {% if member.city == "Leeds" %}\
from *{{ member.city }}*{% elif member.age > 17 %}grown up{% else %}\
whoever you are{% endif %}.

{% if member.city and not member.role in ["staff", "board"] %}
::: note
Near {{ member.city }} {% if member.role %}as {{ member.role }}{% endif %}
:::
{% else %}
[Your page](https://b.example/me?name={{ member.first_name }}&city={{ member.city }}) and [your site]({{ member.site }})
{% endif %}

::: button "Write as {{ member.first_name | default('a friend') }}" href="mailto:a@b.example?subject={{ member.city }}"

::: copy welcome
"""
FRONT = """\
subject: "{{ member.first_name | default('Hello') }}{% if member.city %} in {{ member.city }}{% endif %}: news"
preheader: "For {{ member.first_name ~ ' ' ~ member.last_name }}"
fields: [city, role, age, site]
"""

NAMES = [
    "",
    "Ann",
    "O'Neill & Søn",
    "<script>alert(1)</script>",
    'Say "hi"',
    "محمد",
    "👩‍👩‍👧 Zoë",
    "a\r\nBcc: b@c.example",
    "{key}{{ x }}",
]
KEYS = LinkKeys("cl1ck", "p1xel", "v1ew", "unsubscr1be", "pr3ferences")
CITIES = [None, "Leeds", "Hull & <b>East</b>"]
ROLES = [None, "staff", "friend"]
AGES = ["", "12", "40"]


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return compiled(BODY, front=FRONT)


@pytest.fixture(scope="module")
def tracked(compilation: Compilation) -> MergePlan:
    return plan_merge(
        compilation.email,
        References(
            link=lambda link: f"https://a.example/c/{KEY}/{link.index}?a=1&b=2" if link.tracked else link.url,
            image=lambda image: "https://a.example/i.png",
            unsubscribe=f"https://a.example/u/{KEY}",
            view=f"https://a.example/v/{KEY}",
            pixel=f"https://a.example/o/{KEY}.gif",
        ),
    )


def members(mark: str) -> list[dict[str, str | None]]:
    people: list[dict[str, str | None]] = [
        {
            "first_name": name,
            "last_name": name,
            "city": city,
            "role": role,
            "age": age,
            "site": "https://c.example/?a=1&b=2",
        }
        for name, city, role, age in itertools.product([*NAMES, f"{mark}M0z {mark}S1z"], CITIES, ROLES, AGES)
    ]
    return [*people, {}]


def substituted(text: str, values: dict[str, str]) -> str:
    for tag, value in values.items():
        text = text.replace(tag, value)
    return text


def test_values_in_the_tagged_parts_make_the_rendered_mail(compilation: Compilation, tracked: MergePlan) -> None:
    mark = compilation.email.mint.mark
    for member in members(mark):
        values = tracked.values(member, KEYS)
        mail = tracked.render(member, KEYS)
        assert set(values) == set(tracked.tags)
        assert not any(mark in value for value in values.values())
        assert substituted(tracked.tagged_subject, values) == mail.subject
        assert substituted(tracked.tagged_html, values) == mail.html
        assert substituted(tracked.tagged_text, values) == mail.text
        assert mark not in mail.subject + mail.html + mail.text
        assert "<script" not in mail.html
        assert "\r" not in mail.subject
        assert "\n" not in mail.subject


def assert_same_mails(decided: MergePlan, plan_of_all: MergePlan, member: Mapping[str, str | None]) -> None:
    values, mail = decided.values(member, KEYS), plan_of_all.render(member, KEYS)
    assert decided.render(member, KEYS) == mail
    tagged = (decided.tagged_subject, decided.tagged_html, decided.tagged_text)
    assert tuple(substituted(part, values) for part in tagged) == (mail.subject, mail.html, mail.text)


def test_with_decided_conditions_everybodys_mail_is_the_same(compilation: Compilation, tracked: MergePlan) -> None:
    found = defaultdict(list)
    for member in members(compilation.email.mint.mark):
        found[id(tracked.for_people([member]))].append(member)
    assert len(found) > 4
    for alike in found.values():
        decided = tracked.for_people(alike)
        assert decided is not tracked
        for member in alike:
            assert_same_mails(decided, tracked, member)


def test_people_who_see_different_parts_keep_the_plan_for_everybody(tracked: MergePlan) -> None:
    assert tracked.for_people([{"city": "Leeds"}, {"city": "Hull"}]) is tracked
    assert tracked.for_people([]) is tracked
    unconditional = plan(compiled("Dear {{ member.first_name }}"))
    assert unconditional.for_people([{"first_name": "Ann"}]) is unconditional


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.text(max_size=12) | st.sampled_from(["Leeds", "staff", "18", "N/A", "0", " "])
            for name in ("first_name", "last_name", "city", "role", "age", "site")
        },
    )
)
@settings_of_hypothesis(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_values_the_decided_plan_and_the_whole_one_agree(
    tracked: MergePlan, member: dict[str, str | None]
) -> None:
    assert_same_mails(tracked.for_people([member]), tracked, member)


def test_each_tag_stands_in_the_mail_and_what_is_the_same_everywhere_has_one(tracked: MergePlan) -> None:
    parts = (tracked.tagged_subject, tracked.tagged_html, tracked.tagged_text)
    assert all(any(tag in part for part in parts) for tag in tracked.tags)
    keys = LinkKeys("own click", "own pixel", "own view", "own unsubscribe", "own preferences")
    values = tracked.values({"first_name": "Bea & Bo"}, keys)
    in_parts = {value: sum(tag in part for part in parts) for tag, value in values.items()}
    assert [in_parts[key] for key in ("own view", "own unsubscribe", "own pixel")] == [2, 2, 1]
    # As text it stands in the subject and in the text; escaped, in the HTML only.
    assert in_parts["Bea &amp; Bo"] == 1
    assert all(tag not in tracked.tagged_text for tag, value in values.items() if "&amp;" in value)


def test_a_value_is_escaped_for_where_it_stands(compilation: Compilation) -> None:
    member = {"first_name": 'A&B "<i>"', "city": "Leeds/Hull?", "role": "staff", "site": "https://c.example/?a=1&b='2'"}
    mail = merged(compilation, **member)
    assert "<strong>A&amp;B &#34;&lt;i&gt;&#34;</strong>" in mail.html
    assert 'href="https://b.example/me?name=A%26B%20%22%3Ci%3E%22&amp;city=Leeds%2FHull%3F"' in mail.html
    assert 'href="https://c.example/?a=1&amp;b=&#39;2&#39;"' in mail.html
    assert 'Dear A&B "<i>",' in mail.text
    assert "https://b.example/me?name=A%26B%20%22%3Ci%3E%22&city=Leeds%2FHull%3F" in mail.text
    assert mail.subject.startswith('A&B "<i>" in Leeds/Hull?')


@pytest.mark.parametrize(
    ("site", "leads_to"),
    [
        ("www.bea.example", "https://www.bea.example"),
        (" Bea.Example/a?b=c#d ", "https://Bea.Example/a?b=c#d"),
        ("bea.example:8080/a b", "https://bea.example:8080/a%20b"),
    ],
)
def test_a_web_address_without_a_scheme_works(compilation: Compilation, site: str, leads_to: str) -> None:
    assert f'<a href="{leads_to}"' in merged(compilation, site=site, role="staff").html


def test_a_whole_address_of_an_older_email_stays_as_it_was(compilation: Compilation) -> None:
    slots = tuple(replace(slot, expression=["field", "site"]) if slot.context == "url" else slot
                  for slot in compilation.email.slots)  # fmt: skip
    older = replace(compilation, email=replace(compilation.email, slots=slots))
    assert '<a href="#"' in merged(older, site="www.bea.example", role="staff").html


@pytest.mark.parametrize(
    "site",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "ftp://a",
        "",
        "ann@bea.example",
        "N/A",
        "bea",
        " java\tscript:x",
    ],
)
def test_a_whole_address_leads_nowhere_unless_it_is_web_or_mail(compilation: Compilation, site: str) -> None:
    assert '<a href="#"' in merged(compilation, site=site, role="staff").html


def test_a_missing_value_is_filled_by_its_default_or_left_empty(compilation: Compilation) -> None:
    mail = merged(compilation, first_name="", city=None)
    assert mail.subject == "Hello: news"
    assert "HELLO" not in mail.html
    assert "Hello FRIEND" in html.unescape(mail.html)
    assert "Dear friend, whoever you are." in mail.text


def test_a_number_is_compared_as_a_number(compilation: Compilation) -> None:
    assert "grown up" in merged(compilation, age="100").text
    assert "grown up" not in merged(compilation, age="9").text
    assert "grown up" not in merged(compilation, age="old").text


def test_text_that_some_do_not_see_leaves_no_gap(compilation: Compilation) -> None:
    for member in members("-"):
        assert "\n\n\n" not in merged(compilation, **member).text


def test_a_link_is_worked_out_for_one_member(compilation: Compilation) -> None:
    email = compilation.email
    index = next(link.index for link in email.links if link.url.startswith("https://b.example/me"))
    member = {"first_name": "Ann & Bo", "city": "Hull"}
    assert link_url(email, index, member, "") == "https://b.example/me?name=Ann%20%26%20Bo&city=Hull"
    with pytest.raises(KeyError):
        link_url(email, 999, member, "")


def test_a_path_of_ours_gets_the_public_address() -> None:
    compilation = compiled("[the toolkit](/toolkits/x)")
    mail = merged(compilation)
    assert 'href="https://a.example/toolkits/x"' in mail.html
    assert "the toolkit:\nhttps://a.example/toolkits/x\n" in mail.text
    assert link_url(compilation.email, 0, {}, "https://n.example") == "https://n.example/toolkits/x"


def test_the_pixel_stands_at_the_end_and_nothing_of_it_without_one(
    compilation: Compilation, tracked: MergePlan
) -> None:
    assert 'src="https://a.example/o/p1xel.gif"' in tracked.render({}, KEYS).html.split("</table>")[-1]
    assert "/o/" not in plan(compilation).render({}, KEYS).html


def test_an_author_s_braces_are_not_a_delivery_s_key() -> None:
    html = merged(compiled("[a](https://b.example/?x={key})"), key="secret").html
    assert "secret" not in re.sub("(?:u|v|preferences)/secret", "", html)


def test_an_email_survives_json(compilation: Compilation) -> None:
    email = CompiledEmail.from_json(compilation.email.to_json())
    assert email == compilation.email
    assert email.hash == compilation.email.hash


# As older versions made them of `set`, `+` and calls, and as the database still has them.
STORED = {
    '["concat", ["field", "first_name"], ["const", " of "], ["default", ["field", "city"], "Leeds"]]': "Ann of Leeds",
    '["or", ["field", "city"], ["const", "5"]]': "5",
    '["if", ["or", ["field", "city"], ["const", true]], ["const", "a"], ["const", "b"]]': "a",
    '["if", ["and", ["field", "city"], ["const", false]], ["const", "a"], ["const", "b"]]': "b",
    '["if", ["in", ["filter", "lower", ["field", "first_name"]], ["ann", "7"]], ["const", "a"], ["const", "b"]]': "a",
    '["if", ["<=", ["field", "age"], 17.5], ["const", "a"], ["const", "b"]]': "b",
}


@pytest.mark.parametrize("tree", STORED)
def test_an_email_that_an_older_version_stored_is_merged_as_it_was(tree: str) -> None:
    content = compiled("Dear {{ member.first_name }}, [a](https://b.example/{{ member.first_name }})").email.to_json()
    for slot in content["slots"]:
        slot["expression"] = json.loads(tree)
    email = CompiledEmail.from_json(content)
    member = {"first_name": "Ann", "age": "18", "city": ""}
    plain = References(link=lambda link: link.url, image=lambda image: "", unsubscribe="", view="")
    assert f"Dear {STORED[tree]}, a" in plan_merge(email, plain).render(member, "").text
    assert link_url(email, 0, member, "") == f"https://b.example/{quote(STORED[tree])}"


def test_the_hash_is_that_of_the_content_not_of_the_compile(compilation: Compilation) -> None:
    again, other = compiled(BODY, front=FRONT), compiled(BODY + "More.", front=FRONT)
    assert again.email.nonce != compilation.email.nonce
    assert again.email.hash == compilation.email.hash != other.email.hash
