"""The demo's partner: an invented member organisation with a logo, as `newsletter pack --brand` takes it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_PARTNER = """\
name: Bees of Bath
logo: bees.png
intro: We look after **bees** and the people who live beside them. This month we join in with something bigger.
accent: "#7a1f5c"
reply: hello@bees.example
website: https://bees.example/
address: 2 Hive Lane / Bath BA1 1AA
"""


def write_partner(path: Path) -> None:
    """Write the partner's file, and its logo beside it."""
    path.write_text(_PARTNER, encoding="utf-8")
    _logo().save(path.with_name("bees.png"))


def _logo() -> Image.Image:
    """A logo as files of logos are: with wide margins."""
    picture = Image.new("RGB", (900, 420), "white")
    pen = ImageDraw.Draw(picture)
    pen.regular_polygon((260, 210, 110), 6, fill="#7a1f5c")
    pen.regular_polygon((260, 210, 52), 6, fill="#f2b632")
    pen.text((400, 150), "Bees of Bath", fill="#7a1f5c", font=ImageFont.load_default(72))
    return picture
