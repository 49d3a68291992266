"""The pages to leave by speak the language of the mail, or else English, and never half of one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pages.phrases import PREFERENCES, UNSUBSCRIBE, day_in, page_words
from tests.sender.staging import compiled_email


@pytest.mark.parametrize(
    ("language", "direction", "given"),
    [
        ("cy", "ltr", ("cy", "ltr")),
        ("cy-GB", "ltr", ("cy-GB", "ltr")),
        ("ar", "rtl", ("ar", "rtl")),
        ("ur", "rtl", ("en", "ltr")),
        ("fr", "ltr", ("en", "ltr")),
    ],
)
def test_a_page_says_which_language_it_is_in(language: str, direction: str, given: tuple[str, str]) -> None:
    found = page_words(replace(compiled_email(), language=language, direction=direction))
    assert (found["language"], found["direction"]) == given


@pytest.mark.parametrize("file", [UNSUBSCRIBE, PREFERENCES])
@pytest.mark.parametrize("language", ["cy", "ar", "hi"])
def test_every_sentence_is_translated_and_names_the_same(language: str, file: str) -> None:
    english, other = (page_words(replace(compiled_email(), language=code), file)["words"] for code in ("en", language))
    assert [key for key in english if other[key] == english[key]] == []
    for key, words in english.items():
        assert set(re.findall(r"{\w+}", other[key])) == set(re.findall(r"{\w+}", words)), key


@pytest.mark.parametrize(
    ("language", "day"),
    [("en", "3 March 2027"), ("cy-GB", "3 Mawrth 2027"), ("ar", "3 مارس 2027"), ("fr", "3 March 2027")],
)
def test_a_day_is_written_as_people_say_it(language: str, day: str) -> None:
    assert day_in(language, datetime(2027, 3, 3, tzinfo=UTC)) == day
