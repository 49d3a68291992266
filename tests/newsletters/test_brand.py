"""Brand: what a sheet leaves out is filled in, and what can't be read is refused."""

from __future__ import annotations

import pytest

from daisychain.errors import InputError
from newsletters.brand import DEFAULT_COLOURS, ENOUGH_CONTRAST, Brand, contrast, nearest_readable, read_brand
from newsletters.marked_yaml import read_sheet


def brand(text: str) -> Brand:
    return read_brand(read_sheet(text, "brand.yml"), name="Friends", images={"logo"})


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_what_wcag_says(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


def test_the_default_colours_can_be_read() -> None:
    for words in ("text", "muted", "link"):
        for ground in ("surface", "background"):
            assert Brand(name="").contrast(words, ground) >= ENOUGH_CONTRAST


def test_a_whole_brand_is_read() -> None:
    found = brand(
        "name: Fairs\nlogo: logo\nradius: 4px\nfont: Georgia, serif\n"
        "colours: {primary: '#123', accent: teal, surface: 'rgb(250, 250, 250)'}\n"
        "footer:\n  organisation: Fairs Ltd\n  charity number: 0123456\n"
        "  address: |\n    1 Road\n\n    Town\n"
        "  social: {News: https://fairs.example/news}\n"
    )
    assert (found.name, found.logo, found.radius, found.font) == ("Fairs", "logo", 4, "Georgia, serif")
    assert [found.colours[key] for key in ("primary", "accent", "surface")] == [
        "#112233",
        "#008080",
        "#fafafa",
    ]
    assert (found.footer.charity_number, found.footer.address) == ("0123456", "1 Road\nTown")
    assert found.footer.social == {"News": "https://fairs.example/news"}


def test_what_was_not_given_follows_what_was() -> None:
    dark = brand("colours: {surface: '#101418', background: '#000000', primary: '#205080'}")
    assert dark.colours["link"] != DEFAULT_COLOURS["link"]
    for words in ("text", "muted", "link"):
        assert min(dark.contrast(words, "surface"), dark.contrast(words, "background")) >= ENOUGH_CONTRAST


@pytest.mark.parametrize("colour", ["#ffffff", "#f2b632", "#1d5c53", "#808080", "#000000", "#e8836b"])
def test_text_on_any_colour_can_be_read(colour: str) -> None:
    assert contrast(Brand(name="").text_on(colour), colour) >= ENOUGH_CONTRAST


def test_text_too_pale_is_refused_with_the_nearest_shade_that_passes() -> None:
    with pytest.raises(InputError, match=r"brand\.yml:2: .*'text' \(#999999\).* 2\.\d:1") as caught:
        brand("colours:\n  text: '#999999'")
    nearest = nearest_readable("#999999", ["#ffffff", DEFAULT_COLOURS["background"]])
    assert nearest is not None
    assert nearest in caught.value.hint
    assert 0 <= contrast(nearest, DEFAULT_COLOURS["background"]) - ENOUGH_CONTRAST < 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color: red", "Did you mean 'colours'?"),
        ("colours: {primry: red}", "Did you mean 'primary'?"),
        ("colours: {primary: greenish}", "no colour"),
        ("colours: {primary: '#11223344'}", "transparency"),
        ("colours:\n  primary: #112233", "in quotes, because # begins a comment"),
        ("colours: {surface: '#bbbbbb', background: '#444444'}", "No shade of 'text'"),
        ("logo: missing", "not among the images"),
        ("radius: round", "whole number of pixels"),
        ("font: 'x\" onload=\"y'", "names with commas"),
        ("footer: {adress: here}", "Did you mean 'address'?"),
        ("footer: {social: {News: ftp://fairs.example}}", "no web address"),
    ],
)
def test_a_mistake_is_told(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        brand(text)
    assert words in str(caught.value)
    assert caught.value.line
