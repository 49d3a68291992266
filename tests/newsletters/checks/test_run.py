"""Checks as a whole: a sound newsletter has no findings, and what is found is told in an order."""

from __future__ import annotations

import pytest

from newsletters.checks import run_checks
from newsletters.checks.finding import Subject
from newsletters.people import People
from tests.newsletters.checks.planting import TODAY
from tests.newsletters.compiling import compiled
from tests.newsletters.crowd import Crowd

ANN = {"email": "ann@a.example", "first_name": "Ann", "city": "Hull"}
BODY = """\
# Welcome

Dear {{ member.first_name | default('friend') }}, and
all of you.

::: copy welcome

::: button "Join" href="https://fairs.org.uk/join"
"""


@pytest.mark.parametrize("people", [None, Crowd(ANN)])
def test_a_sound_newsletter_has_nothing_to_mend(people: People | None) -> None:
    assert run_checks(compiled(BODY), people) == []


def test_errors_come_first_then_what_stands_higher_up() -> None:
    body = "[a](http://a.org)\n\nTODO\n\n[b](http://b.org)\n\n[c](c.html)"
    found = [(finding.severity, finding.place) for finding in run_checks(compiled(body), Crowd(ANN))]
    assert found[:4] == [
        ("error", "may.md:8"), ("error", "may.md:12"), ("warning", "may.md:6"), ("warning", "may.md:10"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "place"),
    [("Welcome", "may.md:6"), ("Dear", "may.md:8"), ("Come to the", "kit/copy/welcome.md:10"), ("Join", "may.md:13")],
)
def test_each_part_of_the_page_knows_where_its_author_wrote_it(words: str, place: str) -> None:
    subject = Subject(compiled(BODY), None, TODAY)
    [node] = [node for node in subject.tree.css("h1, p, a") if node.text(deep=True).strip().startswith(words)]
    assert subject.place(node) == place


def test_the_same_words_are_told_apart_by_the_part_they_stand_in() -> None:
    subject = Subject(compiled("See you there\n\n::: note\nSee you there\n:::\n"), None, TODAY)
    nodes = [node for node in subject.tree.css("p") if node.text() == "See you there"]
    assert [subject.place(node) for node in nodes] == ["may.md:6", "may.md:9"]


def test_what_the_layout_wrote_is_told_with_the_line_that_chose_it() -> None:
    subject = Subject(compiled(BODY, front="layout: letter\n"), None, TODAY)
    ends = [node for node in subject.tree.css("a") if "subscribe" in node.text()]
    assert [subject.place(node) for node in ends] == ["may.md:5"]


def test_words_that_a_line_break_parts_are_found_where_they_begin() -> None:
    subject = Subject(compiled(BODY), None, TODAY)
    assert subject.place_of("and all of") == "may.md:8"
    assert subject.place_of("all of you") == "may.md:9"
    assert subject.place_of("nowhere") == "may.md"
