"""What translations say otherwise than the first document, and who gets which."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from daisychain.errors import InputError
from newsletters.checks.finding import Finding
from newsletters.checks.translations import compare
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.languages import Languages
from newsletters.documents.document import parse_document
from newsletters.people import People
from newsletters.toolkits.toolkit import load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.checks.planting import TODAY, Look, Planted
from tests.newsletters.compiling import SHEET
from tests.newsletters.crowd import Crowd
from tests.newsletters.sample_toolkits import BLOCK

HEAD = "---\nsubject: {subject}\npreheader: {subject}, all\ntoolkit: spring-fair\nlanguage: {language}\n{front}---\n"
WELSH = BLOCK.replace("id: welcome", "id: welcome.cy")


def beside(
    first: str = "Hello",
    other: str = "Helo",
    *,
    front: str = "fallback: en\n",
    subject: str = "Helo",
    people: People | None = None,
    copy: dict[str, str] | None = None,
    today: date = TODAY,
    shorter: str = "",
) -> Look:
    """A look at what is found in an English newsletter, may.md, and its Welsh translation, may.cy.md."""

    def look(code: str) -> list[Finding]:
        toolkit = load_files(sample_toolkits.files(SHEET, **({"welcome": BLOCK, "welsh": WELSH} | (copy or {}))), "kit")

        def made(file: str, body: str, **head: str) -> Compilation:
            document = parse_document(HEAD.format(**head) + body, file, sample_toolkits.Path())
            document = replace(document, shorter=bool(shorter and file == "may.cy.md"))
            return compile_document(document, toolkit, list_fields=frozenset({"city", "role"}), today=today)

        languages = Languages(
            {
                "en": made("may.md", first, subject="Hello", language="en", front=front),
                "cy": made("may.cy.md", other, subject=subject, language="cy", front=""),
            },
            "en",
        )
        return list(compare(languages, people, today))

    return look


LINK = "[join](https://fairs.org.uk/join)"
PEOPLE = Crowd(*({"language": code} for code in ("en", "en-GB", "", "pl", "pl", "cy-GB")))
SOUND = beside(
    f"Hello {{{{ member.city | default('you') }}}}\n\n::: copy welcome\n\nOn 12 May at 7.30pm, 1,000 of us. {LINK}",
    f"Helo {{{{ member.city | default('chi') }}}}\n\n::: copy welcome\n\n12 Mai am 19.30, 1.000 ohonom. {LINK}",
    people=Crowd({"language": "en"}, {"language": "cy"}),
)

COPIED = "::: copy welcome"
UNTRANSLATED = beside(COPIED, COPIED, copy={"welsh": BLOCK.replace("id: welcome", "id: other")})
OUTDATED = beside(COPIED, COPIED, copy={"welcome": BLOCK.replace("version: 2", "version: 10")})
UNSERVED = "2 of 6 people want a language that is not here: 2 pl"


def planted(code: str, look: Look, place: str, says: str) -> Planted:
    return Planted(f"translations-{code}", look, SOUND, place, says)


PLANTED = [
    planted("links", beside(LINK, f"{LINK}\n\n[map](https://a.example/m)"), "may.cy.md:9", "2 links"),
    planted("addresses", beside(LINK, LINK.replace("join", "jion")), "may.cy.md:7", "fairs.org.uk/jion"),
    planted("images", beside("![A tent](tent)"), "may.cy.md", "only may.md has tent"),
    planted("fields", beside("{{ member.city | default('x') }}"), "may.cy.md", "only may.md has member.city"),
    planted("blocks", beside('::: button "Go" href="https://a.example"'), "may.cy.md", "only may.md has button"),
    planted("numbers", beside("12 May", "13 Mai"), "may.cy.md:7", "only may.md has 12; only may.cy.md has 13"),
    planted("copy", UNTRANSLATED, "may.cy.md:7", "'welcome' is not translated"),
    planted("outdated", OUTDATED, "may.cy.md:7", "is at 10"),
    planted("subject", beside(subject="Hello"), "may.cy.md:2", "as in may.md"),
    planted("fallback", beside(front=""), "may.md:5", "get it in 'en'"),
    planted("unserved", beside(people=PEOPLE), "may.md:6", UNSERVED),
    planted("unread", beside(people=Crowd({"language": "pl"})), "may.cy.md", "nobody gets 'cy'"),
]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("At 7.30pm", "Am 19.30"),
        ("1,000 of us", "1.000 ohonom"),
        ("12 May", "١٢ مايو"),
        ("12 May", "१२ मई"),
        ("Call 020 7946 0000", "Ffoniwch 020 7946 0000"),
        ("1" * 5000, "1" * 5000),
    ],
)
def test_a_number_may_be_written_as_its_language_does(first: str, other: str) -> None:
    assert [each.message for each in beside(first, other)("") if each.code == "translations-numbers"] == []


def test_conditions_must_be_the_same_in_each_language() -> None:
    town = "{{% if member.city == '{}' %}}\n\nHere\n\n{{% endif %}}"
    found = beside(town.format("York"), town.format("Efrog"))("")
    assert [(each.code, each.place) for each in found] == [("translations-fields", "may.cy.md:7")]


def test_a_newsletter_in_one_language_has_nothing_to_compare() -> None:
    def languages(**compilations: Any) -> Languages:
        return Languages(compilations, "en")

    assert list(compare(languages(en=None), None, TODAY)) == []


WHOLE = """Hello {{ member.city | default("you") }}, on 12 May. [join](https://fairs.org.uk/join)

{% if member.role %}You help.{% endif %}

::: note
Words.
:::

![A fair](fair)
"""
CODES = ("links", "images", "fields", "blocks", "numbers")


@pytest.mark.parametrize("code", [f"translations-{code}" for code in CODES if code != "images"])
def test_a_translation_that_is_shorter_on_purpose_lacks_nothing(code: str) -> None:
    first = WHOLE.replace("![A fair](fair)", "")
    assert beside(first, "Helo.")(code) != []
    assert beside(first, "Helo.", shorter="yes")(code) == []


@pytest.mark.parametrize("code", [f"translations-{code}" for code in CODES if code != "images"])
def test_what_a_shorter_translation_has_more_is_found(code: str) -> None:
    assert beside("Hello.", WHOLE.replace("![A fair](fair)", ""), shorter="yes")(code) != []


@pytest.mark.parametrize(("line", "is_shorter"), [("yes", True), ("only in English", True), ("no", False), ("", False)])
def test_the_front_matter_of_a_translation_says_that_it_is_shorter(line: str, is_shorter: bool) -> None:
    text = f"---\nsubject: Helo\nshorter: {line}\n---\nHelo."
    first = parse_document("---\nsubject: Hello\ntoolkit: spring-fair\n---\nHello.", "may.md", sample_toolkits.Path())
    assert parse_document(text, "may.cy.md", sample_toolkits.Path(), first, "cy").shorter is is_shorter


def test_only_a_translation_can_be_shorter() -> None:
    text = "---\nsubject: Hello\ntoolkit: spring-fair\nshorter: yes\n---\nHello."
    with pytest.raises(InputError, match="Only a translation") as error:
        parse_document(text, "may.md", sample_toolkits.Path())
    assert error.value.line == 4
