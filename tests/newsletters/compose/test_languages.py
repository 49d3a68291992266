"""Languages: translations stand beside the first document, and everybody gets the nearest to their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.compose.languages import Languages, compile_languages
from newsletters.compose.manuscript import translations
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters.compiling import SHEET
from tests.newsletters.sample_toolkits import BLOCK, files


def kit(name: str, folder: Path) -> Toolkit:
    welsh = BLOCK.replace("id: welcome", "id: welcome.cy").replace("Come to the", "Dewch i'r")
    return load_files(files(SHEET, welcome=BLOCK, welsh=welsh), "kit")


def written(folder: Path, **more: str) -> Path:
    """A newsletter in English, with translations by language."""
    first = folder / "may.md"
    first.write_text(
        "---\nsubject: Hello\ntoolkit: spring-fair\nlayout: letter\nfrom: Ann <ann@a.example>\nfields: [town]\n"
        f"{more.pop('front', '')}---\n::: copy welcome\n",
        encoding="utf-8",
    )
    for language, text in more.items():
        (folder / f"may.{language.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return first


WELSH = "---\nsubject: Helo\n---\n::: copy welcome\n\n{{ member.town | default('tref') }}\n"
ARABIC = "---\nsubject: مرحبا\nlayout: bulletin\n---\n::: hero مرحبا\n:::\n"


@pytest.fixture
def languages(tmp_path: Path) -> Languages:
    return compile_languages(written(tmp_path, cy=WELSH, ar=ARABIC), kit)


def test_a_translation_takes_what_it_leaves_out_from_the_first(languages: Languages) -> None:
    first, welsh, arabic = (languages.compilations[code].email for code in ("en", "cy", "ar"))
    assert [email.layout for email in (first, welsh, arabic)] == ["letter", "letter", "bulletin"]
    assert {email.from_address for email in (first, welsh, arabic)} == {"Ann <ann@a.example>"}
    assert (welsh.language, arabic.language, arabic.direction) == ("cy", "ar", "rtl")
    assert "town" in welsh.fields


def test_a_translation_gets_the_translated_copy_block_and_says_which(languages: Languages) -> None:
    assert [use.id for use in languages.compilations["cy"].email.copy_blocks] == ["welcome.cy"]
    assert [use.id for use in languages.compilations["en"].email.copy_blocks] == ["welcome"]
    assert "Dewch i" in languages.compilations["cy"].email.text


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("cy", "cy"),
        ("CY", "cy"),
        ("cy-GB", "cy"),
        ("ar_EG", "ar"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_everybody_gets_the_nearest_to_their_own_language(languages: Languages, wanted: str | None, given: str) -> None:
    assert languages.language_for(wanted) == given


def test_the_first_document_may_declare_another_language_to_fall_back_on(tmp_path: Path) -> None:
    assert compile_languages(written(tmp_path, cy=WELSH, front="fallback: cy\n"), kit).language_for("fr") == "cy"


def test_a_region_of_its_own_is_kept_apart(tmp_path: Path) -> None:
    found = compile_languages(written(tmp_path, cy=WELSH, en_US="---\nsubject: Howdy\n---\nHi\n"), kit)
    assert [found.language_for(code) for code in ("en-US", "en-us", "en-GB", "en")] == ["en-US", "en-US", "en", "en"]


def test_files_whose_names_only_look_alike_are_no_translations(tmp_path: Path) -> None:
    first = written(tmp_path, cy=WELSH)
    (tmp_path / "may.old.md").write_text("---\n", encoding="utf-8")
    (tmp_path / "maybe.cy.md").write_text("---\n", encoding="utf-8")
    assert [path.name for path in translations(first)] == ["may.cy.md"]
    assert translations(tmp_path / "may.cy.md") == []


@pytest.mark.parametrize(
    ("more", "place", "message"),
    [
        ({"front": "fallback: fr\n", "cy": WELSH}, "may.md:7", "Known: cy, en"),
        ({"cy": WELSH.replace("---\n::", "language: ar\n---\n::")}, "may.cy.md:3", "says 'cy'"),
        ({"en": WELSH}, "may.en.md:1", "twice"),
        ({"cy": WELSH.replace("---\n::", "fallback: cy\n---\n::")}, "may.cy.md:3", "Say it in may.md"),
        ({"cy": "---\nsubject: a\n---\n::: copy welcom\n"}, "may.cy.md:4", "welcome"),
    ],
)
def test_a_mistake_is_told_with_its_place(more: dict[str, str], place: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        compile_languages(written(tmp_path, **more), kit)
    assert message in str(error.value)
    assert error.value.place.endswith(place)
