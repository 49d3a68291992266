"""Checks: each planted mistake is found, where it is, and a sound newsletter has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import newsletters.checks
from newsletters.checks import Finding, run_checks
from newsletters.people import People
from tests.newsletters import toolkits
from tests.newsletters.compiling import compiled
from tests.newsletters.crowd import Crowd

ANN = {"email": "ann@a.example", "first_name": "Ann", "city": "Hull"}
BO = {"email": "bo@a.example", "first_name": "", "city": "Leeds"}
FIELDS = frozenset({"city"})


def findings(body: str, people: People | None = None, *, front: str = "") -> dict[str, Finding]:
    return {found.code: found for found in run_checks(compiled(body, front=front, list_fields=FIELDS), people)}


def test_a_sound_newsletter_has_no_findings() -> None:
    body = "Dear {{ member.first_name | default('friend') }},\n\n::: copy welcome\n\n[Join](https://fairs.example/join)"
    assert findings(body, Crowd(ANN, BO)) == {}


@pytest.mark.parametrize(
    ("body", "code", "severity", "line", "says"),
    [
        ("Dear {{ member.first_name }},", "merge-empty-field", "error", 6, "1 of 2"),
        ("\n[a](https://a.example/{{ member.first_name }})", "merge-empty-field", "error", 7, "1 of 2"),
        ("{% if member.city %}{{ member.first_name }}{% endif %}", "merge-empty-field", "error", 6, "1 of 2"),
        (
            "{% if member.first_name or member.city %}{{ member.first_name }}{% endif %}",
            "merge-empty-field",
            "error",
            6,
            "first_name",
        ),
        ("a\n\n{% raw %}{{ name }}{% endraw %}", "merge-left-over", "error", 8, "{{ name }}"),
        ("Dear *|FNAME|*", "merge-left-over", "error", 6, "FNAME"),
        ("a\n\n[b](page.html)", "links-no-scheme", "error", 8, "page.html"),
        ("[b](http://localhost:8000/x)", "links-not-public", "error", 6, "localhost"),
        ("[b](https://staging.a.example/x)", "links-not-public", "error", 6, "staging"),
        ("[b](https://192.168.0.1/)", "links-not-public", "error", 6, "192.168"),
        ("[b](http://a.example/)", "links-not-secure", "warning", 6, "http"),
        ("a\n\nLorem ipsum dolor", "words-placeholder", "error", 8, "Lorem ipsum"),
        ("a [your name here]", "words-placeholder", "error", 6, "your name"),
    ],
)
def test_a_planted_mistake_is_found_at_its_line(body: str, code: str, severity: str, line: int, says: str) -> None:
    found = findings(body, Crowd(ANN, BO))[code]
    assert found.severity == severity
    assert found.place == f"may.md:{line}"
    assert says in found.message
    assert found.why
    assert found.mend


@pytest.mark.parametrize(
    "body",
    [
        "{% if member.first_name %}Dear {{ member.first_name }}{% endif %}",
        "{% if member.first_name %}[a](https://a.example/{{ member.first_name }}){% endif %}",
        "{% if member.first_name and member.city %}{{ member.first_name | upper }}{% else %}all{% endif %}",
        "{{ member.first_name or member.city }}",
        "{{ member.first_name if member.first_name else 'friend' }}",
        "{% if member.first_name == 'Ann' %}{{ member.first_name }}{% endif %}",
    ],
)
def test_a_value_that_is_guarded_needs_no_default(body: str) -> None:
    assert findings(body, Crowd(ANN, BO)) == {}


def test_a_field_that_nobody_on_the_list_has_is_an_error() -> None:
    found = findings("{{ member.role | default('you') }}", Crowd(ANN), front="fields: [role]")["merge-unknown-field"]
    assert "'role'" in found.message
    assert found.place == "may.md:7"


def test_without_a_list_the_checks_say_what_they_could_not_see() -> None:
    assert findings("{{ member.city }}")["merge-no-list"].severity == "hint"
    assert findings("Hello") == {}


@pytest.mark.parametrize(
    ("front", "code", "severity"),
    [
        ("subject: ''\npreheader: a", "words-no-subject", "error"),
        (f"subject: {'word ' * 20}\npreheader: a", "words-long-subject", "warning"),
        ("subject: ACT NOW\npreheader: a", "words-shouting", "warning"),
        ("subject: a", "words-no-preheader", "warning"),
        ("subject: a\npreheader: a", "words-same-preheader", "warning"),
        (f"subject: a\npreheader: {'word ' * 40}", "words-long-preheader", "hint"),
        ("subject: 'TODO: a line'\npreheader: a", "words-placeholder", "error"),
    ],
)
def test_what_the_inbox_shows_is_looked_at(front: str, code: str, severity: str) -> None:
    assert findings("Hello", front=front)[code].severity == severity


def test_a_footer_without_organisation_or_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.newsletters.compiling.SHEET", toolkits.SHEET)
    assert findings("Hello")["law-address"].severity == "error"


@pytest.mark.parametrize(("words", "severity"), [(14_500, "warning"), (19_000, "error")])
def test_html_that_gmail_would_cut_off_is_told(words: int, severity: str) -> None:
    assert findings("kind " * words)["size-html"].severity == severity


def test_the_size_counts_the_longest_values_and_branches() -> None:
    long = Crowd({**ANN, "city": "x" * 90_000})
    assert findings("{{ member.city | default('a') }}", long)["size-html"].severity == "error"
    body = "{% if member.city %}\n" + "kind " * 8_000 + "\n{% else %}\n" + "free " * 8_000 + "\n{% endif %}"
    assert "size-html" not in findings(body, Crowd(ANN))
    assert findings(body, Crowd(ANN))["size-values"].severity == "warning"


def test_every_family_is_found_by_being_in_the_folder() -> None:
    modules = {path.stem for path in Path(newsletters.checks.__path__[0]).glob("*.py")} - {"__init__", "finding"}
    assert {family.__module__.rpartition(".")[2] for family in newsletters.checks._families()} == modules


def test_copy_that_was_meant_for_another_channel_is_told() -> None:
    post = toolkits.BLOCK.replace("id: welcome", "id: post").replace("channels: email, web", "channels: social")
    compilation = compiled("Hello\n\n::: copy post", copy={"post": post})
    found = {finding.code: finding for finding in run_checks(compilation, Crowd(ANN))}["copy-channel"]
    assert (found.severity, found.place) == ("warning", "may.md:8")
    assert "social" in found.message


def test_what_only_one_of_html_and_text_has_is_told() -> None:
    compilation = compiled("Dear {{ member.first_name | default('friend') }}, [join](https://fairs.example/join)")
    cut = replace(compilation.email, text=compilation.email.text.replace("https://fairs.example/join", ""))
    found = run_checks(replace(compilation, email=cut), Crowd(ANN))
    assert [finding.message for finding in found if finding.code == "copy-parity"] == [
        "Only the HTML has https://fairs.example/join."
    ]
