"""Newsletters that people really write reach every reader: in plain text, on phones, right to left, with pictures."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.newsletters.checks.test_compose_cases import checked, made


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("g08-struck-out-in-text", "The fair is on ~Friday~ Saturday. Entry is ~£10~ £5."),
        ("g09-html-table-in-text", "- Branch: Leeds — Open: Mon"),
        ("g10-mailto-in-text", "Write to us <help@charity.org.uk> or ring us <+44 20 7946 0000>."),
        ("g14-small-headings-with-html", "Parking\n\nText about parking.\n\nAccess\n\nText about access."),
        ("g20-alt-in-text", "\n[A terrace of colourful houses, neighbours waving from the windows, with\n"),
    ],
)
def test_the_text_part_says_what_the_page_says(name: str, says: str) -> None:
    assert says in made(name).email.text
    assert [found for found in checked(name).findings if found.code == "copy-parity"] == []


def test_small_headings_stay_headings_beside_html() -> None:
    html = made("g14-small-headings-with-html").email.html
    assert ">Parking</h5>" in html
    assert ">Access</h6>" in html


def shown(name: str) -> Image.Image:
    """The picture that a newsletter shows besides the logo."""
    compilation = made(name)
    return Image.open(io.BytesIO(compilation.image_contents[compilation.email.images[-1].hash]))


def test_a_picture_in_another_profile_looks_as_it_should() -> None:
    red, green, blue = shown("g12-colour-profile").convert("RGB").getpixel((5, 5))
    assert (red < 60, green > 200, blue < 60) == (True, True, True)


def test_a_photo_loses_its_place_and_is_used() -> None:
    photo = shown("g18-photo-with-place")
    assert photo.width == 1072
    assert not photo.getexif()


def test_a_dark_picture_on_nothing_is_found() -> None:
    found = [each for each in checked("g13-dark-picture-on-nothing").findings if each.code == "images-vanishes"]
    assert [each.place.rpartition(":")[2] for each in found] == ["10"]
    assert "plate=white" in found[0].fix
