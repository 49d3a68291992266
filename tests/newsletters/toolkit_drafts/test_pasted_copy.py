"""A new toolkit from a name, a picture, two colours and pasted copy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daisychain.errors import InputError
from newsletters.toolkit_drafts.pasted_copy import new_toolkit, pasted_blocks
from newsletters.toolkit_store.try_copy import checked_files
from newsletters.toolkits.contrast import contrast
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters.sample_toolkits import picture

MARKDOWN = """\
Come to the **fair** in [every town](https://fairs.org.uk).

It is for everybody.

# Why it matters

Because people meet.

## Social posts

### A short one

The fair is on! #fair

## For your website

The dates are these.

# Thank you

Thanks.
"""
FROM_WORD = (
    "Come to the fair.\r\n\r\nWhy it matters\r\n\r\nBecause people meet.\r\n\r\nFacebook\r\n\r\nThe fair is on!\r\n"
)
UNDERLINED = "Come.\n\nWhy it matters\n==============\n\nBecause.\n\nEmail\n-----\n\nDear all.\n"


def made(**given: object) -> Toolkit:
    """A toolkit that loads and whose copy a newsletter can hold."""
    return checked_files(new_toolkit("spring-fair", "Spring Fair: 2027", **given).files, "new")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("copy", "summary", "blocks"),
    [
        (MARKDOWN, "Come to the fair in every town.", [
            ("Introduction", "email web"), ("Why it matters", "email web"), ("A short one", "social"),
            ("For your website", "web"), ("Thank you", "email web"),
        ]),
        (FROM_WORD, "Come to the fair.", [("Why it matters", "email web"), ("Facebook", "social")]),
        (UNDERLINED, "Come.", [("Why it matters", "email web"), ("Email", "email")]),
        ("# Only a heading\n\nand words", "", [("Only a heading", "email web")]),
        ("", "", []),
    ],
)  # fmt: skip
def test_headings_begin_blocks_and_channels(copy: str, summary: str, blocks: list[tuple[str, str]]) -> None:
    found, cut = pasted_blocks(copy, [])
    assert found == summary
    assert [(block.title, " ".join(block.channels)) for block in cut] == blocks


def test_the_words_come_through_as_they_were_pasted() -> None:
    toolkit = made(copy=MARKDOWN)
    assert toolkit.summary == "Come to the fair in every town."
    assert {block.id: block.body for block in toolkit.copy.values()} == {
        "introduction": "It is for everybody.\n", "why-it-matters": "Because people meet.\n",
        "a-short-one": "The fair is on! #fair\n", "for-your-website": "The dates are these.\n",
        "thank-you": "Thanks.\n",
    }  # fmt: skip


@pytest.mark.parametrize("first", ["Spring Fair: 2027", "# Spring Fair: 2027", "**SPRING FAIR: 2027**"])
def test_a_document_that_begins_with_the_campaign_s_name_has_its_summary_below_it(first: str) -> None:
    toolkit = made(copy=f"\n{first}\n\n{MARKDOWN}")
    assert toolkit.summary == "Come to the fair in every town."
    assert "introduction" in toolkit.copy


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"copy": "One paragraph.\n\nAnother one."}, "Nobody has approved"),
        ({"copy": "One paragraph."}, "No headings were found"),
        (
            {"copy": "Come.\n\nWelcome\nGood to see you.\nSocial posts\nThe fair is on!\n"},
            "an empty line before and after each",
        ),
        ({"copy": FROM_WORD}, "Taken as headings, as they are in lines by themselves: Why it matters, Facebook"),
        ({"copy": "# Empty\n\n# Full\n\nwords"}, "nothing below the heading “Empty”"),
        ({"picture": picture()}, "alt text is the title"),
        ({}, "no summary"),
        ({}, "say who publishes it"),
    ],
)
def test_what_could_not_be_told_is_said(given: dict[str, object], said: str) -> None:
    made = new_toolkit("fair", "Fair", **given)  # type: ignore[arg-type]
    assert [remark for remark in made.remarks if said in remark]


@pytest.mark.parametrize(
    "colours", [("#f2e632", "#fefefe"), ("#000000", "#ffffff"), ("#1d5c53",), ("#ff69b4", "#00ff00")]
)
def test_the_other_colours_follow_and_can_be_read(colours: tuple[str, ...]) -> None:
    found = made(colours=colours).brand.colours
    assert (found["primary"], found["accent"]) == (colours[0], colours[-1])
    for text in ("text", "muted", "link"):
        assert min(contrast(found[text], found[ground]) for ground in ("surface", "background")) >= 4.5


@pytest.mark.parametrize("wrong", [{"colours": ("greenish",)}, {"picture": b"no picture"}])
def test_what_can_not_be_used_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        new_toolkit("fair", "Fair", **wrong)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["# A", "## Social", "words: yes", "", "---", "- a", "**B**", "> q", "C\n===", "é #x", "\t", "\x0b\x00"]
        )
    )
)
def test_any_text_makes_a_toolkit_that_loads(lines: list[str]) -> None:
    load_files(new_toolkit("fair", "Fair", copy="\n".join(lines)).files, "new")
