"""What a toolkit says about itself beside its copy: dates, language, and whom to ask."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.toolkit_store.showcase import best_dates, showcase
from newsletters.toolkits.campaign import Dates
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files

TODAY = date(2026, 5, 2)
URL = "https://news.example"


def kit(sheet: str = SHEET, **blocks: str) -> Toolkit:
    return load_files(files(sheet, **blocks), "kit")


def block(name: str, *lines: str) -> str:
    return BLOCK.replace("id: welcome", f"id: {name}").replace("length", "\n".join((*lines, "length")))


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (date(2026, 5, 4), date(2026, 5, 10), "Best between 4 and 10 May"),
        (date(2026, 4, 28), date(2026, 5, 10), "Best between 28 April and 10 May"),
        (date(2026, 12, 28), date(2027, 1, 3), "Best between 28 December 2026 and 3 January 2027"),
        (date(2027, 1, 3), date(2027, 2, 3), "Best between 3 January and 3 February 2027"),
        (date(2026, 5, 4), date(2026, 5, 4), "Best on 4 May"),
        (date(2026, 5, 4), None, "Best from 4 May"),
        (date(2026, 5, 1), None, ""),
        (None, date(2026, 5, 10), "Best until 10 May"),
        (date(2026, 4, 1), date(2026, 5, 1), "It ended on 1 May"),
        (None, None, ""),
    ],
)
def test_dates_are_said_as_people_say_them(first: date | None, last: date | None, says: str) -> None:
    assert Dates(first, last).shown(TODAY) == says


def test_a_toolkit_s_own_dates_win_over_those_of_its_copy() -> None:
    dated = block("welcome", "embargo: 2026-05-04", "expires: 2026-05-10")
    assert best_dates(kit(welcome=dated), TODAY).shown(TODAY) == "Best between 4 and 10 May"
    own = f"{SHEET}dates:\n  from: 2026-05-05\n  until: 2026-05-07\n"
    assert best_dates(kit(own, welcome=dated), TODAY).shown(TODAY) == "Best between 5 and 7 May"


def test_one_dated_text_among_many_does_not_date_the_campaign() -> None:
    many = {name: block(name) for name in ("a", "b", "c")}
    assert not best_dates(kit(**many, d=block("d", "expires: 2026-05-10")), TODAY)
    assert best_dates(kit(a=block("a"), d=block("d", "expires: 2026-05-10")), TODAY)


def test_copy_that_has_expired_dates_nothing_unless_all_has() -> None:
    old = block("old", "expires: 2026-04-30")
    assert best_dates(kit(old=old, b=block("b", "expires: 2026-05-10")), TODAY).shown(TODAY) == "Best until 10 May"
    assert best_dates(kit(old=old), TODAY).shown(TODAY) == "It ended on 30 April"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("dates:\n  from: 2026-05-10\n  until: 2026-05-04\n", "The campaign ends on 2026-05-04, before it begins"),
        ("dates:\n  from: soon\n", "'from' is no date"),
        ("dates:\n  begin: 2026-05-10\n", "'dates' has no key 'begin'"),
        ("contact: ask Ann\n", "'ask Ann' is neither an email address nor a web address."),
        ("contact: javascript:alert(1)\n", "is neither an email address nor a web address."),
        ("language: Welsh\n", "'Welsh' is no language."),
    ],
)
def test_what_can_not_be_meant_is_an_error_with_its_line(lines: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        kit(SHEET + lines)
    assert says in error.value.message
    assert error.value.line
    assert error.value.line > SHEET.count("\n")


@pytest.mark.parametrize("contact", ["hello@coalition.example", "https://coalition.example/contact", "/ask"])
def test_whom_to_ask_is_an_address_or_a_page(contact: str) -> None:
    assert kit(f"{SHEET}contact: {contact}\n").contact == contact


def test_each_text_is_shown_once_in_the_language_that_is_asked_for() -> None:
    welsh = block("welcome.cy").replace("title: Welcome", "title: Croeso")
    shown = showcase(kit(a=block("welcome"), b=welsh, c=block("other")), URL, TODAY)
    assert shown.languages == ("en", "cy")
    assert [(each.block.id, each.language) for each in shown.pieces("email", "cy")] == [
        ("welcome.cy", "cy"), ("other", "en"),
    ]  # fmt: skip
    assert [each.block.id for each in shown.pieces("email", "en")] == ["welcome", "other"]


def test_a_toolkit_in_another_language_says_so_and_has_its_direction(tmp_path: Path) -> None:
    shown = showcase(kit(f"{SHEET}language: ar\n", welcome=block("welcome"), en=block("welcome.en")), URL, TODAY)
    assert shown.languages == ("ar", "en")
    assert [(each.language, each.direction) for each in shown.pieces("web", "ar")] == [("ar", "rtl")]
    assert [(each.language, each.direction) for each in shown.pieces("web", "en")] == [("en", "ltr")]


def test_a_translation_that_may_not_be_used_today_is_no_language() -> None:
    old = block("welcome.cy", "expires: 2026-05-01")
    assert showcase(kit(welcome=block("welcome"), cy=old), URL, TODAY).languages == ("en",)


def test_the_manifesto_has_translations_too() -> None:
    both = {"manifesto": block("manifesto"), "cy": block("manifesto.cy").replace("Come to", "Dewch i")}
    shown = showcase(kit(**both), URL, TODAY)
    assert [piece.text for language in ("en", "cy", "ar") if (piece := shown.manifesto_in(language))] == [
        "Come to the fair.", "Dewch i the fair.", "Come to the fair.",
    ]  # fmt: skip
