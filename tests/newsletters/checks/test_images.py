"""Pictures that are sharp, light and shown everywhere."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image

from tests.newsletters.checks.planting import Planted, newsletter, rewritten
from tests.newsletters.compiling import SHEET
from tests.newsletters.sample_toolkits import picture

TWO = SHEET.replace("    alt: A striped tent.\n", "    alt: A striped tent.\n{}")
WORDS = "Come to the fair. " * 10


def noise(width: int, height: int, *, frames: int = 1, format_: str = "PNG") -> bytes:
    """A picture that can't be made light, moving if it has several frames."""
    shades = random.Random(width)
    stills = [Image.frombytes("RGB", (width, height), shades.randbytes(width * height * 3)) for _ in range(frames)]
    file = io.BytesIO()
    stills[0].save(file, format_, **({"save_all": True, "append_images": stills[1:]} if frames > 1 else {}))
    return file.getvalue()


def shown(content: bytes, **options: Any) -> Any:
    """A newsletter with a picture of this content on line 8."""
    return newsletter(f"{WORDS}\n\n::: image tent", files={"images/tent.png": content}, **options)


def several(count: int) -> Any:
    """A newsletter with so many pictures of some 170 kB each."""
    rows = "".join(f"  more{number}:\n    file: images/{number}.png\n    alt: B\n" for number in range(count))
    files = {f"images/{number}.png": noise(640 + number, 420) for number in range(count)}
    body = WORDS + "".join(f"\n\n![Noise](more{number})" for number in range(count))
    return newsletter(body, sheet=TWO.format(rows), files=files)


def sign(ink: str, mode: str = "RGBA", format_: str = "PNG", ground: str = "#00000000") -> bytes:
    """A picture of bars, through which one can see unless it has a ground."""
    drawn = Image.new("RGBA", (1072, 400), ground)
    for left in range(40, 1000, 80):
        drawn.paste(ink, (left, 80, left + 40, 320))
    file = io.BytesIO()
    (drawn.quantize(16) if mode == "P" else drawn.convert(mode)).save(file, format_)
    return file.getvalue()


PLANTED = [
    Planted("images-heavy", shown(noise(700, 700)), shown(noise(300, 200)), 8, "'tent'"),
    Planted("images-weight", several(7), several(3), "may.md", "MB together"),
    Planted("images-too-wide", shown(noise(1400, 4, frames=2, format_="GIF")), shown(picture(1072, 400)), 8, "1400"),
    Planted("images-unsharp", shown(picture(300, 200)), shown(picture(1072, 400)), 8, "shown at 300"),
    Planted(
        "images-format", shown(noise(100, 8, frames=2, format_="WEBP")), shown(picture(100, 8, "WEBP")), 8,
        "Outlook for Windows",
    ),
    Planted("images-animated", shown(noise(100, 8, frames=2, format_="GIF")), shown(picture(100, 8, "GIF")), 8),
    Planted(
        "images-no-width",
        newsletter("Words", change=rewritten("<p>Words</p>", '<p><img src="a.png" alt="b" /></p>')),
        newsletter("![b](tent)\n\n::: signature Ann image=tent"),
        6,
    ),
    Planted(
        "images-only",
        newsletter("::: image tent", files={"images/tent.png": picture(1072, 400)}),
        newsletter(f"::: image tent\n\n{WORDS}", files={"images/tent.png": picture(1072, 400)}),
        6,
        "0 words",
    ),
    Planted("images-vanishes", shown(sign("#101010")), shown(sign("#c05020")), 8, "on dark screens"),
]  # fmt: skip


def test_a_picture_that_stands_twice_weighs_once() -> None:
    content = noise(700, 700)
    look = newsletter(f"{WORDS}\n\n::: image tent\n\n::: image tent", files={"images/tent.png": content})
    assert [found.code for found in look("images-heavy")].count("images-heavy") == 1


def test_a_still_picture_that_is_too_wide_was_made_narrower_before() -> None:
    assert shown(picture(2400, 100))("images-too-wide") == []


@pytest.mark.parametrize(
    ("content", "screen"),
    [
        (sign("#000000", "P"), "dark"),
        (sign("#0b1f4b"), "dark"),
        (sign("#000000", "LA"), "dark"),
        (sign("#000000", format_="GIF"), "dark"),
        (sign("#000000", format_="WEBP"), "dark"),
        (sign("#ffffff"), "light"),
        (sign("#f4f4c0"), "light"),
        (sign("#ffffff", ground="#1f5f4f"), ""),
        (sign("#000000", "RGB", ground="#ffffff"), ""),
        (sign("#000000", ground="#ffffff"), ""),
    ],
)
@pytest.mark.parametrize(
    "body",
    ["![A](tent)", "::: image tent", "::: story A image=tent\n:::", "::: cards\n::: card A image=tent\n:::\n:::"],
)
def test_a_picture_that_vanishes_is_found_wherever_it_is_shown(body: str, content: bytes, screen: str) -> None:
    found = newsletter(f"{WORDS}\n\n{body}", files={"images/tent.png": content})("images-vanishes")
    assert [f"on {screen} screens" in each.message for each in found if each.code == "images-vanishes"] == (
        [True] if screen else []
    )


@pytest.mark.parametrize(("ink", "plate"), [("#101010", "white"), ("#ffffff", "dark")])
def test_a_plate_makes_a_picture_and_a_logo_visible(ink: str, plate: str) -> None:
    files = {"images/tent.png": sign(ink)}
    brand = SHEET.replace("brand:\n", f"brand:\n  logo: tent\n  logo plate: {plate}\n")
    look = newsletter(f"{WORDS}\n\n::: image tent plate={plate}", files=files, sheet=brand)
    assert [each for each in look("images-vanishes") if each.code == "images-vanishes"] == []


def test_a_logo_that_vanishes_on_light_pages_is_found() -> None:
    brand = SHEET.replace("brand:\n", "brand:\n  logo: tent\n")
    found = newsletter(WORDS, files={"images/tent.png": sign("#ffffff")}, sheet=brand)("images-vanishes")
    assert ["light" in each.message for each in found if each.code == "images-vanishes"] == [True]
