"""axe-core over our mails: what it says is told at the author's line, and over our own layouts it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from newsletters.browser import axe, browser
from newsletters.browser.browser import Page
from newsletters.browser.phones import PhoneFault
from newsletters.checks import deep
from newsletters.checks.finding import Finding, Subject
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import compile_document
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from tests.newsletters.checks.planting import TODAY, Look, Planted, newsletter, rewritten
from tests.newsletters.golden.cases import WORDS, compilation

PALE = axe.Violation("color-contrast", "Elements must have enough contrast", "p", "Fix:\n  It is 1.2")


def looked_at(found: list[axe.Violation], look: Look, broken: Sequence[PhoneFault] = ()) -> Look:
    """The same look where axe finds this, and phones break that."""

    def with_axe(code: str) -> list[Finding]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(deep, "violations", lambda _: found)
            patch.setattr(deep, "broken", lambda _: broken)
            return look(code)

    return with_axe


def without(name: str, look: Look) -> Look:
    """The same look where this part of axe's is not there."""

    def with_less(code: str) -> list[Finding]:
        with pytest.MonkeyPatch.context() as patch:
            if name == "axe-core":
                patch.setattr(deep, "broken", lambda _: [])
            patch.setattr(browser, "chromium", lambda: "")
            patch.setattr(axe, "_engine", lambda: "" if name == "axe-core" else "axe")
            return look(code)

    return with_less


LOOK = newsletter("# A\n\nPale words", deep=True)
PLANTED = [
    Planted(
        "deep-axe", looked_at([PALE, replace(PALE, selector="h1")], LOOK), looked_at([], LOOK), 8,
        "here and 1 times more",
    ),
    Planted("deep-not-run", without("axe-core", LOOK), looked_at([], LOOK), "may.md", "make scripts"),
    Planted(
        "deep-broken-word", looked_at([], LOOK, [PhoneFault(375, ("Pale",)), PhoneFault(320, ("Pale",))]),
        looked_at([], LOOK), 8, "'Pale' breaks in the middle on a phone of 320 px",
    ),
    Planted(
        "deep-too-wide", looked_at([], LOOK, [PhoneFault(360, (), 400), PhoneFault(320, (), 400)]), looked_at([], LOOK),
        "may.md", "On a phone of 320 px the mail is 400 px wide",
    ),
]  # fmt: skip


def test_a_rule_is_told_once_though_it_is_broken_light_and_dark() -> None:
    assert len(looked_at([PALE, replace(PALE, dark=True)], LOOK)("deep-axe")) == 1


def test_a_rule_that_is_broken_on_dark_screens_alone_says_so() -> None:
    assert "on dark screens" in looked_at([replace(PALE, dark=True)], LOOK)("deep-axe")[0].message


def test_nothing_is_run_unless_somebody_asks() -> None:
    assert looked_at([PALE], newsletter("# A\n\nPale words"))("deep-axe") == []


def test_a_machine_without_a_browser_is_told() -> None:
    assert "no Chromium" in without("Chromium", LOOK)("deep-not-run")[0].message


def test_of_what_a_page_tells_only_what_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"rule": "a", "help": "b", "selector": "c", "why": "d", "dark": True, "more": "e"}
    page = SimpleNamespace(answer=lambda *_, **__: [row])
    monkeypatch.setattr(axe, "open_browser", lambda: nullcontext(page))
    monkeypatch.setattr(axe, "_engine", lambda: "axe")
    assert axe.violations(Page("x")) == [axe.Violation("a", "b", "c", "d", dark) for dark in (False, True)]


@pytest.mark.slow
@pytest.mark.usefixtures("chromium", "scripts")
def test_the_real_axe_sees_words_where_a_members_stand() -> None:
    body = "# {{ member.city }}\n\n{% if member.city %}\n* [{{ member.city }}](https://a.org/)\n{% endif %}\n"
    assert newsletter(body, deep=True)("deep-axe") == []


@pytest.mark.slow
@pytest.mark.usefixtures("chromium", "scripts")
@pytest.mark.parametrize("colour", ["#777777", "#22302b"], ids=["light", "dark"])
def test_the_real_axe_finds_pale_words(colour: str) -> None:
    pale = rewritten('css-class="words words-plain" color="#22302b"', f'css-class="mine" color="{colour}"')
    found = newsletter("# A\n\nPale words", deep=True, change=pale)("deep-axe")
    assert [(each.code, each.place) for each in found] == [("deep-axe", "may.md:8")]
    assert ("on dark screens" in found[0].message) == (colour == "#22302b")


@pytest.mark.slow
@pytest.mark.usefixtures("chromium", "scripts")
@pytest.mark.parametrize("layout", registry().layouts)
def test_axe_finds_nothing_in_our_layouts_light_or_dark(layout: str) -> None:
    kit = shipped_toolkit("community-makes-us")
    document = parse_document(starter(kit, "community-makes-us", layout), "may.md", Path())
    assert [*deep.check(Subject(compile_document(document, kit), None, TODAY, deep=True))] == []


@pytest.mark.slow
@pytest.mark.usefixtures("chromium", "scripts")
@pytest.mark.parametrize("language", WORDS)
def test_axe_finds_nothing_in_any_language(language: str) -> None:
    assert [*deep.check(Subject(compilation(f"language-{language}"), None, TODAY, deep=True))] == []


@pytest.mark.slow
@pytest.mark.usefixtures("chromium", "scripts")
def test_a_mails_own_script_has_no_say_in_what_is_found() -> None:
    lying = "<script>Array.prototype.flatMap = () => []</script><img src='a.png'>"
    assert "image-alt" in {found.rule for found in axe.violations(Page(lying))}
