"""Logo files: kinds of pictures that are rare and that some program exports all the same."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from newsletters.logo_files.logo_file import read_logo_file
from newsletters.packs.logos import is_empty


@pytest.mark.parametrize("size", [(600, 240), (2400, 1800)])
@pytest.mark.parametrize("grey", [0, 20_000, 40_000, 50_000])
def test_a_logo_of_sixteen_bits_keeps_its_greys(grey: int, size: tuple[int, int]) -> None:
    picture = Image.new("I;16", size, 65_535)
    picture.paste(Image.new("I;16", (400, 120), grey), (100, 60))
    file = io.BytesIO()
    picture.save(file, "PNG")
    found = read_logo_file(file.getvalue(), "logo").image
    assert not is_empty(found)
    with Image.open(io.BytesIO(found.content)) as made:
        scale = made.width / size[0]
        inside = made.convert("L").getpixel((round(300 * scale), round(120 * scale)))
        assert isinstance(inside, int)
        assert abs(inside - grey / 257) <= 2
