"""The ten questions of docs/segments.md and the desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from lists.segments.examples import EXAMPLES
from lists.segments.question_rows import QuestionRow, rows_of, text_of
from lists.segments.segment_parser import parse
from lists.segments.segment_tree import Question
from tests.lists.segments.trees import questions

PAGE = Path(__file__).parents[3] / "docs/segments.md"


@pytest.mark.parametrize(("question", "meaning"), EXAMPLES)
def test_an_example_can_be_read_and_is_in_the_documentation(question: str, meaning: str) -> None:
    assert parse(question)
    assert f"| `{question}` | {meaning} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("question", "groups"),
    [
        ('region is "Wales"', [[("region", "is", "Wales")]]),
        ("a is 3 and b is not empty", [[("a", "is", "3"), ("b", "is not empty", "")]]),
        ('a in ("x", "y") or not on list "z"', [[("a", "in", "x, y")], [("on list", "is not", "z")]]),
        (
            '(joined in last 30 days and opened any of last 3 campaigns) or clicked "join"',
            [[("joined", "in last", "30 days"), ("opened", "is", "3")], [("clicked on", "is", "join")]],
        ),
        ("x more than 6 months ago", [[("x", "more than", "6 months")]]),
        ("not agreed to tracking", [[("agreed to tracking", "is not", "")]]),
    ],
)
def test_a_question_is_shown_as_lines(question: str, groups: list[list[tuple[str, str, str]]]) -> None:
    rows = rows_of(parse(question))
    assert rows == [[QuestionRow(*row) for row in group] for group in groups]
    assert parse(text_of(rows)) == parse(question)


@pytest.mark.parametrize(
    "question", ["(a is 1 or b is 2) and c is 3", "not (a is 1 and b is 2)", 'a in ("x, y")', "not a > 3"]
)
def test_a_question_of_another_form_has_no_lines(question: str) -> None:
    assert rows_of(parse(question)) is None


@given(questions)
def test_lines_never_change_what_a_question_means(question: Question) -> None:
    rows = rows_of(question)
    assert rows is None or parse(text_of(rows)) == question
