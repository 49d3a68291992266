"""Text that can be read and buttons that can be hit, on light screens and on dark ones."""

from __future__ import annotations

import pytest

from tests.newsletters.checks.planting import Planted, newsletter, rewritten

BUTTON = "::: button Join href=https://a.org/"
STORY = '::: story "A fair" href=https://a.org/\nin May\n:::\n'
QUIET_TEXT = 'css-class="words words-plain" color="#22302b"'

PLANTED = [
    Planted(
        "legibility-contrast",
        newsletter("a\n\nPale words", change=rewritten('color="#22302b"', 'color="#bbbbbb"')),
        newsletter("Words\n\n::: note\nmore\n:::\n\n" + BUTTON),
        6,
        "#bbbbbb on #ffffff: 1.9:1",
    ),
    Planted(
        "legibility-dark-contrast",
        newsletter("Forgotten words", change=rewritten('css-class="words words-plain"', 'css-class="mine"')),
        newsletter("Words\n\n::: ask More\nwords\n:::\n\n" + BUTTON),
        6,
        "'Forgotten words'",
    ),
    Planted(
        "legibility-small-text",
        newsletter("a\n\n::: footer\nof <small>tiny print</small>\n:::"),
        newsletter("A <small>small</small> and a H<sub>2</sub>\n\n::: footer\nprint\n:::"),
        9,
        "'tiny print' is 12 px",
    ),
    Planted(
        "legibility-target",
        newsletter(BUTTON, change=rewritten('inner-padding="14px 28px"', 'inner-padding="8px 20px"')),
        newsletter(f"{BUTTON}\n\n{BUTTON} size=large"),
        6,
        "'Join' is 38 px",
    ),
    Planted(
        "legibility-link",
        newsletter(STORY, change=rewritten("text-decoration:underline", "text-decoration:none")),
        newsletter(STORY + "\n" + STORY.replace("href", 'link="Read about the fair" href')),
        6,
        "'A fair'",
    ),
]


def test_large_text_needs_less_contrast() -> None:
    def look(size: str) -> list[str]:
        grey = rewritten(QUIET_TEXT, f'css-class="mine" font-size="{size}" color="#8a8a8a"')
        return [found.code for found in newsletter("Grey words", change=grey)("legibility-contrast")]

    assert "legibility-contrast" in look("20px")
    assert "legibility-contrast" not in look("26px")


def test_signs_that_only_decorate_need_no_contrast() -> None:
    assert newsletter("::: divider flowers\n\n::: quote\nsaid\n:::")("legibility-contrast") == []


@pytest.mark.parametrize("tone", ["primary", "quiet", "plain"])
def test_every_tone_of_a_hero_can_be_read_light_and_dark(tone: str) -> None:
    body = f"::: hero Kindness kicker=May tone={tone}\nSmall [acts](https://a.org/) *count*.\n:::\n"
    assert newsletter(body)("legibility-contrast") == []
