"""Newsletters that people really write, each with its right result (tests/cases/compose)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from newsletters.checks import CheckReport, check_file
from newsletters.compose.compiler import Compilation
from newsletters.compose.languages import compile_languages
from newsletters.merge.merge import References, plan_merge
from newsletters.toolkit_store.store import shipped_toolkit
from newsletters.toolkits.toolkit import Toolkit
from tests.newsletters.crowd import Crowd

CASES = Path(__file__).parents[2] / "cases" / "compose"


REFERENCES = References(link=lambda link: link.url, image=lambda image: "", unsubscribe="", view="")


def find(name: str, folder: Path) -> Toolkit:
    return shipped_toolkit(name)


def rows() -> list[dict[str, str]]:
    with (CASES / "people.csv").open(encoding="utf-8") as file:
        return [{key.lower().replace(" ", "_"): value for key, value in row.items()} for row in csv.DictReader(file)]


def people() -> Crowd:
    return Crowd(*rows())


def checked(name: str, crowd: Crowd | None = None) -> CheckReport:
    return check_file(CASES / f"{name}.md", find, crowd)


def made(name: str) -> Compilation:
    return next(iter(compile_languages(CASES / f"{name}.md", find).compilations.values()))


def lines(name: str, code: str) -> list[int]:
    """The lines on which the check finds `code`."""
    places = [finding.place for finding in checked(name).findings if finding.code == code]
    return sorted(int(place.rpartition(":")[2]) for place in places)


def test_a_hashtag_in_the_subject_arrives() -> None:
    email = made("g01-hash-in-subject").email
    assert email.subject == "Join #CommunityMakesUs on Saturday"
    assert email.preheader == "Bring a chair #kindness and a cake"


@pytest.mark.parametrize(
    ("name", "code", "found"),
    [
        ("g02-single-braces", "merge-left-over", [9, 11, 11, 11]),
        ("g03-link-with-a-gap", "markup-link", [10]),
        ("g16-addresses-that-lead-nowhere", "links-no-scheme", [10, 12, 14, 16]),
        ("g19-days-that-are-not", "words-no-day", [8, 8]),
        ("g21-curly-quotes", "compile-error", [10]),
        ("g22-words-of-errors", "compile-error", [9, 11]),
        ("g23-link-within-the-mail", "links-no-target", [10]),
        ("g25-deep-lists", "compile-error", [18]),
        ("g27-sender-not-closed", "compile-error", [7]),
        ("g28-two-colons", "compile-error", [10, 12]),
    ],
)
def test_what_was_not_meant_is_found_on_its_line(name: str, code: str, found: list[int]) -> None:
    assert lines(name, code) == found


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("g21-curly-quotes", "curly"),
        ("g22-words-of-errors", "Write == to compare"),
        ("g22-words-of-errors", "Write {% elif … %}"),
        ("g27-sender-not-closed", "not closed"),
        ("g28-two-colons", "almost a block"),
    ],
)
def test_an_error_says_the_cause_in_the_reader_s_words(name: str, says: str) -> None:
    assert says in " ".join(f"{finding.message} {finding.fix}" for finding in checked(name).findings)


def test_a_block_s_address_and_words_have_the_characters_that_were_meant() -> None:
    email = made("g04-amp-in-button").email
    assert "https://charity.org.uk/get?x=1&y=2" in [link.url for link in email.links]
    assert "Fish & chips" in email.text
    assert "Fish &amp; chips" in email.html


def test_a_block_in_a_comment_is_left_out() -> None:
    email = made("g24-block-in-html-comment").email
    assert "old" not in [link.url.rpartition("/")[2] for link in email.links]
    assert "End." in email.text
    assert "-->" not in email.text


def test_an_amount_with_a_comma_is_an_amount() -> None:
    plan = plan_merge(made("g05-number-with-comma").email, REFERENCES)
    shown = {member["gift"]: "large gift" in plan.render(member).text for member in rows()}
    assert shown == {"£1,700": True, "20": False, "1700": True, "1.700,50": True}


def test_names_that_say_that_there_is_none_are_found_and_greet_nobody() -> None:
    found = {each.code: each for each in checked("g06-null-names", people()).findings}
    assert "'first_name' is '-' or 'N/A' or 'NULL' for 3 of 4 people" in found["merge-no-value"].message
    plan = plan_merge(made("g06-null-names").email, REFERENCES)
    assert [plan.render(member).text.count("Dear friend,") for member in rows()] == [0, 1, 1, 1]


@pytest.mark.parametrize(("town", "rows"), [("Leeds", ["Leeds", "Hull", "York"]), ("", ["Leeds", "York"])])
def test_a_condition_around_a_row_of_a_table_keeps_the_table(town: str, rows: list[str]) -> None:
    mail = plan_merge(made("g07-condition-round-table-row").email, REFERENCES).render({"town": town})
    assert re.findall(r"<td[^>]*>(Leeds|Hull|York)</td>", mail.html) == rows
    assert re.findall(r"^- Where: (\w+) — When: \w+day$", mail.text, re.MULTILINE) == rows


@pytest.mark.parametrize(("town", "items"), [("Leeds", ["one", "two", "three"]), ("", ["one", "three"])])
def test_a_condition_in_a_numbered_list_numbers_html_and_text_alike(town: str, items: list[str]) -> None:
    mail = plan_merge(made("g26-numbers-with-condition").email, REFERENCES).render({"town": town})
    assert re.findall(r"<li[^>]*>(\w+)</li>", mail.html) == items
    numbered = [f"{number}. {item}" for number, item in enumerate(items, start=1)]
    assert re.findall(r"^\d\. \w+$", mail.text, re.MULTILINE) == numbered


def test_an_address_in_brackets_and_a_field_of_the_preheader_are_no_difference() -> None:
    assert "copy-parity" not in [each.code for each in checked("g15-parity-false-alarms").findings]


def test_a_bare_address_beside_a_link_that_failed_can_be_pressed() -> None:
    links = {link.url for link in made("g03-link-with-a-gap").email.links}
    assert any(url.startswith("https://charity.org.uk") for url in links)
