from __future__ import annotations

import pytest
from hypothesis import given

from lists.segments.question_error import QuestionError
from lists.segments.segment_parser import LONGEST, parse
from lists.segments.segment_tree import Question
from lists.segments.segment_writer import write
from tests.lists.segments.trees import questions


@given(questions)
def test_any_question_is_the_same_once_written_and_read(question: Question) -> None:
    text = write(question)
    if len(text) <= LONGEST:
        assert parse(text) == question
        assert write(parse(text)) == text


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ('Region = "Wales" AND joined in the last 30 days', 'region is "Wales" and joined in last 30 days'),
        ("region = Wales or region = 'Wales'", 'region is "Wales" or region is "Wales"'),
        ("first_name is empty and last_name is not empty", "first_name is empty and last_name is not empty"),
        ("member.region is cy", 'region is "cy"'),
        ("member.organisation is cy", 'member.organisation is "cy"'),
        ("city contains “bath” and city does not contain ‘x’", 'city contains "bath" and city does not contain "x"'),
        ('((((region != "a\\"b"))))', 'region is not "a\\"b"'),
        ("a is in (1, b, 2026-05-31) or b not in (\"x\")", 'a in (1, "b", 2026-05-31) or b not in ("x")'),
        ("age>=18 and not (age < 65 or on list friends)", 'age >= 18 and not (age < 65 or on list "friends")'),
        ("renewed is before 2026-05-01", "renewed before 2026-05-01"),
        ("renewed more than 1 months ago", "renewed more than 1 month ago"),
        ("opened any of the last 3 campaigns", "opened any of last 3 campaigns"),
        ("opened last campaign", "opened last campaign"),
        ('clicked "join" in any of last 3 campaigns', 'clicked "join" of last 3 campaigns'),
        ("clicked join", 'clicked "join"'),
        ("was sent last campaign and agreed to tracking", "was sent last campaign and agreed to tracking"),
        ("consent is soft-opt-in-charity", 'consent is "soft-opt-in-charity"'),
        ("region is\n\t\u00a0x", 'region is "x"'),
        ("town is Cafe\u0301", 'town is "Caf\u00e9"'),
        ("name is is-land", 'name is "is-land"'),
    ],
)  # fmt: skip
def test_a_question_is_written_in_one_way(typed: str, written: str) -> None:
    assert write(parse(typed)) == written
    assert write(parse(written)) == written


@pytest.mark.parametrize(
    ("text", "at", "message", "hint"),
    [
        ("", 0, "The question is empty (character 1).", "For instance"),
        ("  \n ", 0, "The question is empty", "For instance"),
        ("region", 6, "The question ends too early (character 7).", "contains"),
        ('region isnt "x"', 7, "“isnt” does not fit here (character 8).", "Did you mean “is”?"),
        ("a is 1 andd b is 2", 7, "“andd” does not fit here", "Did you mean “and”?"),
        ("a is 1 or\nb isnt 2", 12, "“isnt” does not fit here (line 2, character 3).", "Did you mean “is”?"),
        ("region is South Wales", 16, "“Wales” does not fit here", "a value of several words in quotation marks"),
        ('region is "x', 10, 'The quotation mark " is not closed', ""),
        ("region is “x", 10, "The quotation mark “ is not closed", ""),
        ("(a is 1", 7, "The question ends too early", "What can follow: )"),
        ("a is 1)", 6, "There is no “(” for this “)”", ""),
        ("a in ()", 6, "“)” does not fit here", "What can follow: a date"),
        ('a in ("x",)', 10, "“)” does not fit here", "What can follow: a date"),
        ("a > “b”", 4, "does not fit here", "a number"),
        ("a before 31/05/2026", 9, "“31/05/2026” does not fit here", "Write dates as 2026-05-31"),
        ("a is 2026-02-31", 5, "There is no day 2026-02-31", "2026-05-31"),
        ("a before 0001-01-01", 9, "Dates are from 1900 to 2200", ""),
        ("a in last 0 days", 10, "Write a number from 1 to 36,500 here", ""),
        ("a in last 2.5 days", 10, "Write a number from 1 to 36,500 here", ""),
        ("a in last 99999999999999999999999 years", 10, "Write a number from 1 to 100 here", ""),
        ("opened any of last 1000 campaigns", 19, "Write a number from 1 to 100 here", ""),
        (f"a is {'9' * 40}", 5, "This number is too long", "quotation marks"),
        ("joined contains x", 16, "“joined” is a date", "joined in last 30 days"),
        ("joined is 3", 10, "“joined” is a date", ""),
        ("organisation > 3", 15, "“organisation” is a text", ""),
        ("consent is soft-optin", 11, "There is no basis “soft-optin”", "soft-opt-in"),
        ('city contains ""', 14, "Say what it contains", ""),
        ("city contains 3", 14, "“3” does not fit here", "quotation marks"),
        ('clicked "" of last campaign', 8, "Name the link", ""),
        ("größe is 3", 0, "“größe” is not how a field is written", "first_name"),
        ("a is 1\x00", 6, "U+0000 is no character that a text may have", ""),
        ("a is '\x00'", 6, "U+0000 is no character", ""),
        ("a is \x1b[31m", 5, "U+001B is no character", ""),
        ("a is '\ud83d'", 6, "U+D83D is no character", ""),
        ("a is 💥", 5, "“💥” does not fit here", "quotation marks"),
        ("💥", 0, "“💥” does not fit here", "a field"),
        ("x" * 10_000, LONGEST, "at most 4,000 characters; this one has 10,000", ""),
        ("not " * 900 + "a is 1", 3600, "at most 20 groups within groups", ""),
        ("(" * 1500 + "a is", 1504, "The question ends too early", ""),
        ("'; DROP TABLE members; --", 0, "The quotation mark ' is not closed", ""),
        ("a is 1; DROP TABLE members", 6, "“;” does not fit here", "and"),
        ("a is 1 -- b", 7, "“--” does not fit here", "and"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_character(text: str, at: int, message: str, hint: str) -> None:
    with pytest.raises(QuestionError) as caught:
        parse(text)
    assert caught.value.at == at
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_caret_stands_below_the_character_also_in_a_wide_script() -> None:
    with pytest.raises(QuestionError) as caught:
        parse('town is "日本" e\u0301t')
    assert str(caught.value).splitlines()[1:3] == ['  town is "日本" ét', "  " + " " * 15 + "^"]


def test_parentheses_around_one_condition_may_be_many() -> None:
    assert write(parse("(" * 1900 + "a is 1" + ")" * 1900)) == "a is 1"
