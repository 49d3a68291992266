"""What screen readers need, in the author's words and in the layout's."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from newsletters.checks.finding import Finding
from tests.newsletters.checks.planting import Look, Planted, newsletter, rewritten
from tests.newsletters.compiling import SHEET
from tests.newsletters.sample_toolkits import picture

DECORATES = SHEET.replace("A striped tent.", '""')
NAMED = SHEET.replace("A striped tent.", "IMG_2041.png")
HERO = '::: hero "One"\n:::\n\n'


def beside(body: str, **options: str) -> Look:
    """A newsletter with the picture mine.png in its own folder."""

    def look(code: str) -> list[Finding]:
        with TemporaryDirectory() as folder:
            (Path(folder) / "mine.png").write_bytes(picture())
            return newsletter(body, folder=Path(folder), **options)(code)

    return look


PLANTED = [
    Planted("accessibility-language", newsletter(change=rewritten('lang="en"', 'lang=""')), newsletter(), "may.md:1"),
    Planted(
        "accessibility-title", newsletter(change=rewritten("<mj-title>Hello", "<mj-title> ")), newsletter(), "may.md:1"
    ),
    Planted("accessibility-no-headline", newsletter(change=rewritten("h1", "h2")), newsletter(), "may.md:1"),
    Planted("accessibility-second-headline", newsletter(HERO + "# Two"), newsletter(HERO + "## Two"), 9, "'Two'"),
    Planted("accessibility-heading-order", newsletter("a\n\n### B"), newsletter("## A\n\n### B\n\n## C"), 8, "level 3"),
    Planted("accessibility-empty-heading", newsletter("a\n\n##\n"), newsletter("## {{ member.city }}"), 6),
    Planted(
        "accessibility-table",
        newsletter("a\n\n<table><tr><td>Hull</td></tr></table>"),
        newsletter("| town |\n|---|\n| Hull |\n\n::: date 7/5 title=Fair\n\n::: signature Ann"),
        8,
    ),
    Planted(
        "accessibility-no-alt",
        beside("a\n\n::: image mine.png"),
        beside('![Our tent](mine.png)\n\n::: image mine.png alt="A tent"\n\n::: image tent', sheet=DECORATES),
        8,
        "'mine.png'",
    ),
    Planted(
        "accessibility-alt-file-name",
        newsletter("a\n\n![](tent)", sheet=NAMED),
        newsletter("![The tent](tent)", sheet=NAMED),
        8,
        "'IMG_2041.png'",
    ),
    Planted(
        "accessibility-linked-picture",
        newsletter("::: image tent href=https://a.org/", sheet=DECORATES),
        newsletter("::: image tent href=https://a.org/"),
        6,
        "'tent'",
    ),
    Planted("accessibility-empty-link", newsletter("a\n\n[](https://a.org/b)"), newsletter("[b](https://a.org/)"), 8),
    Planted(
        "accessibility-vague-link",
        newsletter("a\n\n[Click here](https://a.org/)."),
        newsletter("[Click here to see the tent](https://a.org/)"),
        8,
        "'Click here'",
    ),
]


@pytest.mark.parametrize(
    "words", ["here", "Read more →", "“Cliciwch yma”", "اقرأ المزيد", "यहाँ क्लिक करें", "Kliknij tutaj!"]
)
def test_words_that_say_nothing_are_known_in_several_languages(words: str) -> None:
    found = newsletter(f"[{words}](https://a.org/)")("accessibility-vague-link")
    assert [each.code for each in found] == ["accessibility-vague-link"]


@pytest.mark.parametrize(
    ("alt", "told"),
    [("mine.png", True), ("DSC_0042", True), ("Screenshot 12", True), ("mine", False), ("Our tent", False)],
)
def test_a_word_that_is_a_name_as_well_is_no_file_name(alt: str, told: bool) -> None:
    found = beside(f"![{alt}](mine.png)")("accessibility-alt-file-name")
    assert [each.code for each in found] == ["accessibility-alt-file-name"] * told


def test_of_two_links_with_the_same_words_each_is_told_at_its_own_line() -> None:
    look = newsletter(
        "See [here](https://a.org/1)\nand [here](https://a.org/2)\n\n{{ toolkit.title }} [here](https://a.org/3)"
    )
    assert [found.place for found in look("accessibility-vague-link")] == ["may.md:6", "may.md:7", "may.md:9"]


def test_a_headline_in_either_branch_of_a_condition_is_one_headline() -> None:
    body = "{% if member.city %}\n::: hero One\n:::\n{% else %}\n::: hero Two\n:::\n{% endif %}\n\nHello"
    assert newsletter(body)("accessibility-second-headline") == []


def test_two_headlines_that_one_person_may_see_are_two() -> None:
    body = "{% if member.city %}\n::: hero One\n:::\n{% endif %}\n\n::: hero Two\n:::\n"
    found = newsletter(body)("accessibility-second-headline")
    assert [(each.code, each.place) for each in found] == [("accessibility-second-headline", "may.md:11")]


def test_a_link_whose_words_are_a_members_is_not_empty() -> None:
    assert newsletter("[{{ member.city }}](https://a.org/)")("accessibility-empty-link") == []


def test_a_mistake_in_a_copy_block_is_found_in_its_file() -> None:
    head = "---\nid: b\ntitle: B\nversion: 1\napproved by: A\nchannels: email\nlength: short\n---\n"
    found = newsletter("::: copy b", copy={"b": f"{head}a\n\n[click here](https://a.org/)\n"})(
        "accessibility-vague-link"
    )
    assert [each.place for each in found] == ["kit/copy/b.md:11"]
