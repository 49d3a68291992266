"""Slugs: accents fall off, everything else becomes a separator."""

from __future__ import annotations

import pytest

from daisychain.slug import slug


@pytest.mark.parametrize(
    ("text", "name"),
    [("Caffè & Tŷ", "caffe-ty"), ("photo_1 (final).JPG", "photo-1-final-jpg"), ("नमस्ते", ""), ("--A--", "a")],
)
def test_a_slug_has_small_letters_digits_and_hyphens(text: str, name: str) -> None:
    assert slug(text) == name


def test_a_slug_may_have_another_separator() -> None:
    assert slug("First name", "_") == "first_name"
