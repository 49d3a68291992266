"""Colours: everybody reads them the same way, and knows the same shades for readable."""

from __future__ import annotations

import pytest

from newsletters.toolkits.contrast import at_lightness, contrast, lightness, mixed, parse_colour, readable


@pytest.mark.parametrize(
    ("value", "hex_"),
    [
        ("#1F5F4F", "#1f5f4f"), ("#abc", "#aabbcc"), ("teal", "#008080"), ("rgb(31, 95, 79)", "#1f5f4f"),
        ("#1f5f4fff", "#1f5f4f"), ("rgba(31, 95, 79, 255)", "#1f5f4f"), ("#1f5f4f80", ""), ("greenish", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_colour_comes_out_as_hex_if_nothing_shines_through(value: str, hex_: str) -> None:
    assert parse_colour(value) == hex_


def test_on_a_page_a_colour_counts_as_soon_as_it_can_be_seen() -> None:
    assert parse_colour("#1f5f4f80", least_alpha=1) == "#1f5f4f"
    assert parse_colour("#1f5f4f00", least_alpha=1) == ""


def test_readable_is_four_and_a_half_to_one_on_every_ground() -> None:
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert readable("#767676", ["#ffffff"])
    assert not readable("#767676", ["#ffffff", "#eeeeee"])


def test_a_shade_keeps_its_hue() -> None:
    assert at_lightness("#1f5f4f", lightness("#1f5f4f")) == "#1f5f4f"
    assert at_lightness("#1f5f4f", 1) == "#ffffff"
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"
