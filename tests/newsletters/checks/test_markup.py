"""Markdown and HTML that did not become what was meant is found; what is meant as it stands is left alone."""

from __future__ import annotations

import pytest

from daisychain.errors import InputError
from tests.newsletters.checks.planting import Planted, newsletter

PLANTED = [
    Planted("markup-link", newsletter("a\n\n[b] (https://a.org)"), newsletter("a\n\n[b](https://a.org)"), 8, "[b]"),
    Planted("markup-signs", newsletter("a\n\n** bold ** b"), newsletter("a\n\n**bold** b"), 8, "** bold"),
    Planted("markup-character", newsletter("a\n\nFish &amp;amp; b"), newsletter("a\n\nFish &amp; b"), 8, "&amp;"),
]


def codes(body: str, **options: str) -> list[str]:
    return [finding.code for finding in newsletter(body, **options)("markup-signs")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[b](https://a.org/my file.pdf)", "markup-link"),
        ("![b] (hero)", "markup-link"),
        ("[b](", "markup-link"),
        ("[b][c]", "markup-link"),
        ("See [b] (www.a.org)", "markup-link"),
        ("[b]  (https://a.org)", "markup-link"),
        ("(b)[https://a.org]", "markup-link"),
        ("See http:// a.org", "markup-link"),
        ("See www. a.org", "markup-link"),
        ("##H", "markup-signs"),
        ("a\n##H", "markup-signs"),
        ("**bold", "markup-signs"),
        ("~~ gone ~~", "markup-signs"),
        ("_ soft _ b", "markup-signs"),
        ("a * soft words * b", "markup-signs"),
        ("a `code", "markup-signs"),
        ("Come\n-one\n-two", "markup-signs"),
        ("1)one\n2)two", "markup-signs"),
        ("• one\n• two", "markup-signs"),
        ("– one\n– two", "markup-signs"),
        ("▪ one\n▪ two", "markup-signs"),
        ("o one\no two", "markup-signs"),
        ("==marked== b", "markup-signs"),
        ("a :smile: b", "markup-signs"),
        ("{% if member.city %}## H{% endif %}", "markup-signs"),
        ("{% if member.city %}> q{% endif %}", "markup-signs"),
        ("| a | b |\n| c | d |", "markup-signs"),
        ('::: button "**Go**" href="https://a.org"', "markup-signs"),
        ("a &amp;nbsp; b", "markup-character"),
        ("a &nbsp b &#8217 c", "markup-character"),
    ],
)
def test_what_would_be_shown_as_typed_is_found(body: str, code: str) -> None:
    assert set(codes(body)) == {code}


@pytest.mark.parametrize(
    "body",
    [
        "`[b] (c)` and `**`", "```\n** a **\n##H\n```", r"\*\* as typed \*\*", "5 * 3 * 2 = 30", "*terms apply",
        "Name: ______", "__init__ and snake_case", "#CommunityMakesUs is back", "1.5 million\n2.5 million", "a - b - c",
        "[b] is (not) a link", "a &lt;b&gt; c", "Look (below) [1]",
        "AT&T and R&D; Q&A", "x == y", "10:30:00", "> quoted", "see (a)[b]", "https://a.org/?a=1&lt=2",
    ],
)  # fmt: skip
def test_what_is_meant_as_it_stands_is_left_alone(body: str) -> None:
    assert codes(body) == []


def test_signs_in_the_subject_are_found_there() -> None:
    found = newsletter(front="subject: '**Join**'\npreheader: '[b](https://a.org)'")("markup-signs")
    assert [(each.code, each.place) for each in found] == [("markup-signs", "may.md:3"), ("markup-link", "may.md:4")]


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("a\n\n:: button 'b' href='https://a.org'", 8, "almost a block"),
        ("a\n\n    ::: divider", 8, "almost a block"),
        ("a\n\n> ::: divider", 8, "almost a block"),
        ("- ::: divider", 6, "almost a block"),
        ("a\n\n: : : divider", 8, "almost a block"),
        ("a\n::\n", 7, "almost a block"),
        ("a\n\n: :: divider", 8, "almost a block"),
        ("{% if member.city %}::: divider{% endif %}", 6, "almost a block"),
        ("a\n\n[b]: https://a.org", 8, "Nothing uses this address"),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", 8, "more cells than the 2 columns"),
        ("::: button 'b' href='https://a.org/b c'", 6, "space in it"),
        ("words ::: divider", 6, "middle of a line"),
        ("::: button “Get it” href='https://a.org'", 6, "curly"),
        ("::: button 'Get it' href=“https://a.org”", 6, "curly"),
        ("a <b>b", 6, "<b> is not closed"),
        ("a\n\nb\nc <b><i>b</i>", 8, "<b> is not closed"),
        ("a</b>", 6, "closes nothing"),
        ("a\n<!-- b\n\nc", 7, "does not end"),
        (">" * 30 + " a", 6, "nested too deeply"),
    ],
)
def test_what_is_almost_a_block_or_not_closed_stops_with_its_line(body: str, line: int, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        newsletter(body)("markup-signs")
    assert caught.value.line == line


@pytest.mark.parametrize(
    "body",
    [
        "`::: divider`",
        "```\n:: divider\n```",
        "Open:: daily",
        "10::12",
        "<p>a<p>b",
        "a<br>b",
        "<!-- a -->b",
        "[b][1]\n\n[1]: https://a.org",
        "[//]: # (a note)\n\nb",
        "| a | b |\n|---|---|\n| 1 \\| 2 | 3 |",
        "> | a |\n> |---|\n> | 1 |",
    ],
)
def test_what_only_looks_like_a_block_or_a_tag_without_end_is_taken(body: str) -> None:
    assert newsletter(body)("markup-signs") == []
