"""Golden files: languages, right to left, long names, no pictures, every layout look as they did when a person looked.

`python -m tests.newsletters.golden` writes the files anew.
"""

from __future__ import annotations

import re

import pytest

from newsletters.checks.html_text_parity import parity
from newsletters.compose.plain_text import WIDTH
from tests.newsletters.compiling import merged
from tests.newsletters.golden.cases import CASES, HERE, LONG, MEMBERS, Outline, compilation, outcome


@pytest.mark.parametrize("case", CASES)
def test_a_newsletter_looks_as_it_did(case: str) -> None:
    assert outcome(case) == (HERE / f"{case}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_html_and_text_have_the_same_links_and_fields(case: str) -> None:
    assert parity(compilation(case).email), parity(compilation(case).email)


@pytest.mark.parametrize("case", CASES)
def test_text_fills_72_columns_at_most_but_for_words_and_addresses_that_are_longer(case: str) -> None:
    mail = merged(compilation(case), **MEMBERS.get(case, {}))
    for line in mail.text.splitlines():
        assert len(line) <= WIDTH or " " not in line.strip() or LONG in line or "http" in line, line


def test_arabic_runs_from_right_to_left_in_every_cell() -> None:
    html = merged(compilation("language-ar")).html
    body = html[html.index("<body") :]
    assert "direction:ltr" not in body.replace(" ", "")
    words = [line for line in Outline.of(body) if line.startswith("<")]
    standing = [line for line in words if "text-align=right" not in line and "text-align=center" not in line]
    # What is not at the right is what is never seen, or what fills its cell: the preheader, a button, a table's end.
    assert [line for line in standing if not re.search(r"Files|انضمّوا|№|14", line)] == []
    assert "padding-right:16px" in body  # beside a date's tile


def test_vowel_signs_and_joined_emoji_come_out_whole_everywhere() -> None:
    mail = merged(compilation("language-hi"))
    for part in (mail.html, mail.text):
        assert "पड़ोस में दयालुता ❤️" in part
        assert "👩‍👩‍👧" in part
    assert r"\u{" not in mail.html


def test_every_layout_stands_where_screens_are_dark_and_pictures_are_off() -> None:
    for case in (case for case in CASES if case.startswith("layout-")):
        html = merged(compilation(case)).html
        assert "@media (prefers-color-scheme: dark)" in html
        assert "[data-ogsc]" in html
        assert all(re.search(r'alt="[^"]', image) for image in re.findall(r"<img[^>]*>", html)), case


def test_what_pictures_show_can_be_read_where_they_are_switched_off() -> None:
    html = merged(compilation("language-en")).html
    hero = next(image for image in re.findall(r"<img[^>]*>", html) if "A terrace" in image)
    assert re.search(r"[^-]color:\s*#ffffff", hero)  # it stands on the brand's deep green
    story = next(image for image in re.findall(r"<img[^>]*>", html) if "A neighbour" in image)
    assert re.search(r"[^-]color:\s*#23312d", story)
