"""Slugs: accents fall off, everything else becomes a separator."""

from __future__ import annotations

import pytest

from daisychain.slug import slug


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Caffè & Tŷ", "caffe-ty"),
        ("photo_1 (final).JPG", "photo-1-final-jpg"),
        ("नमस्ते", ""),
        ("--A--", "a"),
        ("Straße", "strasse"),
        ("GROẞ", "gross"),
        ("Ærøskøbing", "aeroskobing"),
        ("Œuvre", "oeuvre"),
        ("Łódź", "lodz"),
        ("Đurđa", "durda"),
        ("Garðabær", "gardabaer"),
        ("Þór", "thor"),
        ("Işık", "isik"),
        ("Ǿresund", "oresund"),
    ],
)
def test_a_slug_has_small_letters_digits_and_hyphens(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(("text", "name"), [("Straße", "strae"), ("Ærø Łódź", "r-odz"), ("Caffè", "caffe"), ("Ø", "")])
def test_a_slug_as_before_leaves_out_what_has_no_plain_letter(text: str, name: str) -> None:
    assert slug(text, as_before=True) == name


def test_a_slug_may_have_another_separator() -> None:
    assert slug("First name", "_") == "first_name"
