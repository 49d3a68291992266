"""The links of a newsletter's languages in one table: which are the same link, and which stand alone."""

from __future__ import annotations

import pytest

from reports.link_clicks import LinkClicks, join_links

A, B, C = (f"https://a.example/{name}" for name in "abc")


def link(number: int, url: str, clicks: int = 1, language: str = "") -> LinkClicks:
    return LinkClicks(number, f"link {number}", url, clicks, clicks, language)


@pytest.mark.parametrize(
    ("other", "counted"),
    [
        # As many: by their place, whatever they lead to.
        ([(0, "https://a.example/cy/a"), (1, "https://a.example/cy/b")], [(A, 2, ""), (B, 2, "")]),
        # One more: by their address, and what has no fellow by itself.
        ([(0, C), (1, A), (2, B)], [(A, 2, ""), (B, 2, ""), (C, 1, "cy")]),
        # One less, and each only once.
        ([(0, B)], [(A, 1, ""), (B, 2, "")]),
        ([(0, B), (1, B), (2, B)], [(A, 1, ""), (B, 2, ""), (B, 1, "cy"), (B, 1, "cy")]),
        ([], [(A, 1, ""), (B, 1, "")]),
    ],
)
def test_a_link_of_another_language_is_the_same_by_its_place_or_its_address(
    other: list[tuple[int, str]], counted: list[tuple[str, int, str]]
) -> None:
    joined = join_links([link(0, A), link(1, B)], [link(number, url) for number, url in other], "cy")
    assert [(line.url, line.clickers, line.language) for line in joined] == counted


def test_a_third_language_is_held_against_the_first_and_not_against_what_stands_alone() -> None:
    welsh = join_links([link(0, A)], [link(0, B), link(1, C)], "cy")
    arabic = join_links(welsh, [link(0, C)], "ar")
    assert [(line.url, line.clicks, line.language) for line in arabic] == [(A, 2, ""), (B, 1, "cy"), (C, 1, "cy")]
