"""The demo's member organisations, all invented: a file of them, their logos, and one as a pack's brand."""

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
_MEMBERS = """\
Organisation,Tool,Languages,Region,Logo,Colour,Reply to,Website,Postal address,Charity number,Contact name,Contact email,Member since
Bees of Bath,Mailchimp,English,South West,bees.png,#7a1f5c,hello@bees.example,https://bees.example/,2 Hive Lane / Bath BA1 1AA,1234567,Maya Field,maya@bees.example,2019
Caru Cymru Carers,Brevo,"Welsh, English",Wales,carers.png,#0b5c3b,helo@carers.example,https://carers.example/,7 Stryd Fawr / Bala LL23 7AG,7654321,Gwen Pugh,gwen@carers.example,2021
Leith Repair Café,outlook,English,Scotland,repair.png,#1b4f8a,hello@repair.example,https://repair.example/,12 Shore / Leith EH6 6QN,,Ali Khan,ali@repair.example,2023
Elm Street Choir,,English,North,,,choir@elm.example,,,,Jo Ash,jo@elm.example,2024
"""  # noqa: E501 - lines of a CSV
_LOGOS = {
    "bees.png": ("Bees of Bath", 6, "#7a1f5c", "#f2b632"), "carers.png": ("Caru Carers", 5, "#0b5c3b", "#e4f2d8"),
    "repair.png": ("Repair Café", 8, "#1b4f8a", "#ffffff"),
}  # fmt: skip


def write_partners(folder: Path) -> None:
    """Write bees.yml, members.csv, and logos beside them."""
    (folder / "bees.yml").write_text(_PARTNER, encoding="utf-8")
    (folder / "members.csv").write_text(_MEMBERS, encoding="utf-8")
    for name, logo in _LOGOS.items():
        _logo(*logo).save(folder / name)


def _logo(words: str, sides: int, colour: str, inner: str) -> Image.Image:
    """A logo as files of logos are: with wide margins."""
    picture = Image.new("RGB", (900, 420), "white")
    pen = ImageDraw.Draw(picture)
    pen.regular_polygon((260, 210, 110), sides, fill=colour)
    pen.regular_polygon((260, 210, 52), sides, fill=inner)
    pen.text((400, 150), words, fill=colour, font=ImageFont.load_default(72))
    return picture
