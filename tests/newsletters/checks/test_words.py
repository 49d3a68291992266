"""What the inbox shows, and words that nobody should see: placeholders, wrong weekdays, wrong spelling."""

from __future__ import annotations

from datetime import date

import pytest

from newsletters.checks.dates import mismatched
from newsletters.checks.readability import misspelt, reading_age, sentences
from newsletters.checks.words import ONLY_COMMENTS
from tests.newsletters.checks.planting import TODAY, Look, Planted, newsletter


def inbox(subject: str, preheader: str = "And welcome") -> Look:
    """A newsletter with these in the inbox, on lines 3 and 4."""
    return newsletter(front=f"subject: {subject!r}\npreheader: {preheader!r}")


HARD = (
    "Organisational representatives participating throughout neighbouring constituencies continually demonstrate "
    "considerable responsibility notwithstanding extraordinarily uncomfortable circumstances, contemporaneously "
    "coordinating multidisciplinary interventions. "
)
EASY = "We met in the hall. It was warm, and there was tea. Ann brought her dog. The dog sat by the door. "

PLANTED = [
    Planted("words-no-subject", inbox(""), inbox("Hello"), 3),
    Planted("words-long-subject", inbox("word " * 20), inbox("word " * 11), 3, "99 characters"),
    Planted("words-shouting", inbox("ACT NOW"), inbox("NHS"), 3),
    Planted("words-no-preheader", newsletter(front="subject: a"), inbox("a"), 1),
    Planted(
        "words-same-preheader", inbox("Spring is here", "Spring is here!"), inbox("Spring is here", "So are we"), 4
    ),
    Planted("words-long-preheader", inbox("a", "word " * 40), inbox("a", "word " * 20), 4),
    Planted("words-placeholder", newsletter("a\n\nLorem ipsum"), newsletter("a\n\nThe todo list"), 8, "Lorem ipsum"),
    Planted(
        "words-weekday",
        newsletter("Come on\nTuesday 12\nMay."),
        newsletter("Come on\nWednesday 12\nMay."),
        7,
        "is a Wednesday in 2027",
    ),
    Planted(
        "words-no-day", newsletter("a\n\nCome on June the 31st"), newsletter("a\n\nCome on 30 June"), 8, "June the 31st"
    ),
    Planted("words-empty", newsletter("<!-- a -->"), newsletter("a"), 1),
    Planted("words-reading-age", newsletter(HARD * 6), newsletter(EASY * 6), "may.md", "for readers of"),
    Planted("words-spelling", newsletter("a\n\nWe recieve"), newsletter("a\n\nWe receive"), 8, "'recieve'"),
]


@pytest.mark.parametrize(
    "words",
    [
        "TODO: a line", "XXX", "insert name here", "Insert your own words here", "[your name here]", "[NAME]",
        "<<Name>>", "???", "[DATE OF EVENT]", "[insert link]", "£XX",
    ],
)  # fmt: skip
def test_text_that_was_to_be_replaced_is_told(words: str) -> None:
    escaped = words.replace("<", "\\<").replace("[", "\\[")
    assert [found.code for found in newsletter(f"a {escaped} b")("words-placeholder")] == ["words-placeholder"]


@pytest.mark.parametrize("words", ["what?", "[1]", "the DATE is set", "Insert coins", "Exxon"])
def test_words_that_only_look_alike_are_left_in_peace(words: str) -> None:
    assert newsletter(f"a {words} b")("words-placeholder") == []


def test_a_placeholder_in_the_subject_is_told_there() -> None:
    assert [found.place for found in inbox("TODO: a line")("words-placeholder")] == ["may.md:3"]


@pytest.mark.parametrize(
    "words",
    [
        "Tuesday 12 May", "Tues 12th May", "Tue, 12 May 2027", "tuesday the 12th of May", "Tuesday, May 12",
        "Tuesday May 12th, 2027", "TUESDAY 12 MAY", "Tues. 12 May",
    ],
)  # fmt: skip
def test_a_weekday_that_does_not_fit_is_found_however_it_is_written(words: str) -> None:
    [found] = mismatched(f"Come on {words}, or not.", TODAY)
    assert found.day == date(2027, 5, 12)
    assert found.nearest == date(2027, 5, 11)


@pytest.mark.parametrize(
    "words",
    [
        "Wednesday 12 May", "Wednesday 12 May 2027", "Tuesday 12 May 2026", "Saturday 29 February 2020", "12 May",
        "Tuesday at 12", "Friday 30 February", "Monday 1 June 2026", "Sundays 12 to 2",
    ],
)  # fmt: skip
def test_a_date_that_fits_or_is_none_is_left_in_peace(words: str) -> None:
    assert list(mismatched(words, TODAY)) == []


@pytest.mark.parametrize(
    ("words", "today", "year"),
    [
        ("Monday 4 January", date(2026, 12, 1), 2027),  # a Monday in 2027: what is to come
        ("Monday 30 November", date(2026, 12, 1), 2026),  # a Monday in 2026: what just was
    ],
)
def test_a_year_that_is_left_out_is_that_of_what_just_was_or_is_to_come(words: str, today: date, year: int) -> None:
    assert list(mismatched(words, today)) == []
    [found] = mismatched(words.replace("Monday", "Friday"), today)
    assert found.day.year == year


def test_the_year_is_said_where_it_had_to_be_worked_out() -> None:
    assert "in 2027" in newsletter("Tuesday 12 May")("words-weekday")[0].message
    assert "in 2027" not in newsletter("Tuesday 12 May 2027")("words-weekday")[0].message


def test_the_reading_age_is_the_automated_readability_index_and_five_years() -> None:
    # By hand: 4 + 5 + 4 + 3 + 6 letters in 5 words of 1 sentence: 4.71 * 22 / 5 + 0.5 * 5 - 21.43 + 5.
    assert reading_age([["Four", "words", "here", "and", "onemor"]]) == pytest.approx(6.794)
    assert reading_age(sentences(EASY)) < 7 < 15 < reading_age(sentences(HARD))


def test_addresses_and_short_lines_are_no_prose() -> None:
    text = "One two three. See https://a.org/a/long/address <https://b.org> now please.\n\nHello!\n\n- One more thing\n"
    assert sentences(text) == [["One", "two", "three"], ["See", "now", "please"], ["One", "more", "thing"]]


def test_american_spelling_is_told_with_the_british_one() -> None:
    assert dict(misspelt("Our neighbors organize a center", "")) == {
        "neighbors": ["neighbours"], "organize": ["organise"], "center": ["centre"],
    }  # fmt: skip


def test_names_and_addresses_are_not_misspelt() -> None:
    assert dict(misspelt("Teh Wich met us: ask Mr Wich, or teh@a.org, https://a.org/recieve", "Teh trust")) == {}


def test_only_english_is_looked_at_as_english() -> None:
    welsh = newsletter("Tuesday 12 May, recieve", front="language: cy")
    assert {found.code for found in welsh("words-weekday")} & {"words-weekday", "words-spelling"} == set()


# Work that grew with the square of the length would take each of these an hour.
@pytest.mark.parametrize("endless", ["a", ".", "A", "a'", "@", "a-", "<!--", "{#"])
def test_no_text_however_long_takes_the_words_more_than_one_walk_through_it(endless: str) -> None:
    text = endless * (2_000_000 // len(endless))
    assert not ONLY_COMMENTS.match(text)
    assert ONLY_COMMENTS.match(f"<!-- {text} -->\n{{# {text} #}} ")
    assert sentences(f"We met. {text}\n\nOne two three.")[-1] == ["One", "two", "three"]


@pytest.mark.parametrize(
    "between", ["a", "@a", "a@", "a@b", "@@b", "<a@b>", "(https://a.org", "a@https://a.org", "wwww.a"]
)
def test_an_address_is_left_out_with_its_whole_word_if_it_is_one_by_mail(between: str) -> None:
    words = ["Ann", "met", *{"a": ["a"], "@a": ["a"], "a@": ["a"], "wwww.a": ["w"]}.get(between, [])]
    assert sentences(f"Ann met {between} us all") == [[*words, "us", "all"]]


def test_a_name_is_known_by_its_capital_inside_a_sentence_alone() -> None:
    assert dict(misspelt("We asked Recieve-Smith, who recieve", "")) == {}
    assert set(dict(misspelt("Recieve us. Recieve-Smith and Recieves recieve", ""))) >= {"recieve"}
