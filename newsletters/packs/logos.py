"""Logos: cut to their ink, so that two logos side by side look equally large; and what is wrong with one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from PIL import Image, ImageChops
from PIL.ImageStat import Stat

from newsletters.compose.pictures import logo_room
from newsletters.compose.resize import in_srgb
from newsletters.toolkits.images import ToolkitImage, measure

# How far a margin's colour may stray and still be a margin: JPEG is never quite white.
_STRAY = 24
_PRINT = "CMYK"
LARGEST_CLEAN = 200_000  # bytes; it travels in a form
_MOST_TRIMS = 8
_PALE = 2 * _STRAY  # how far a colour may be from another before the two can be told apart


@lru_cache(maxsize=64)
def trimmed(logo: ToolkitImage) -> ToolkitImage:
    """Return the logo without its margins, as PNG; the logo itself if it has none."""
    with Image.open(io.BytesIO(logo.content)) as opened:
        printed, picture = opened.mode == _PRINT, in_srgb(opened).convert("RGBA")
    box = _inked(picture)
    if box == (0, 0, *picture.size) and not printed:
        return logo
    picture = picture.crop(box)
    # Twice as large as it will be shown; then it need not be resized again.
    widest = 2 * logo_room(replace(logo, width=picture.width, height=picture.height)).width
    picture.thumbnail((widest, picture.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return replace(measure(file.getvalue(), logo.name), alt=logo.alt)


def cleaned(logo: ToolkitImage) -> ToolkitImage:
    """Return the logo without its margins and light enough for a form; one that was cleaned stays as it is."""
    for _ in range(_MOST_TRIMS):  # what was made smaller may have paler edges, which are a margin too
        if (shown := trimmed(logo)).hash == logo.hash:
            break
        logo = shown
    return logo if len(logo.content) <= LARGEST_CLEAN else _lighter(logo)


def _lighter(logo: ToolkitImage) -> ToolkitImage:
    """Return the logo no larger than it is shown on sharp screens, with as few colours as it takes to be light."""
    with Image.open(io.BytesIO(logo.content)) as opened:
        picture = in_srgb(opened).convert("RGBA")
    widest = 2 * logo_room(logo).width
    picture.thumbnail((widest, picture.height), Image.Resampling.LANCZOS)
    for made in (picture, picture.quantize(256, Image.Quantize.FASTOCTREE)):
        file = io.BytesIO()
        made.save(file, "PNG", optimize=True)
        if file.tell() <= LARGEST_CLEAN:
            break
    return replace(measure(file.getvalue(), logo.name), alt=logo.alt)


def is_empty(logo: ToolkitImage) -> bool:
    """Return whether the logo is clear or white all over."""
    on_black = Stat(_over(logo, "#000000")).extrema
    return _vanishes(logo, "#ffffff") and max(high - low for low, high in on_black) <= _PALE


def plate_for(logo: ToolkitImage, ground: str) -> str:
    """Return the plate behind a logo that nobody can see on the colour `ground`; empty if it needs none."""
    if not _vanishes(logo, ground):
        return ""
    return "dark" if _vanishes(logo, "#ffffff") else "white"


def _vanishes(logo: ToolkitImage, ground: str) -> bool:
    picture = _over(logo, ground)
    differs = ImageChops.difference(picture, Image.new("RGB", picture.size, ground))
    return max(high for _, high in Stat(differs).extrema) <= _PALE


def logo_notes(shown: ToolkitImage, *, printed: bool) -> Iterator[str]:
    """Yield what to know about a logo that is `shown` without its margins; `printed` if it had colours for print."""
    if printed:
        yield (
            "The logo has colours for print (CMYK), which mail programs show wrongly. They were made into colours "
            "for screens: look whether they are right, or ask for a PNG in RGB."
        )
    if 2 * shown.width < (room := logo_room(shown).width):
        yield (
            f"The logo is tiny: {shown.width} × {shown.height} pixels without its margins. Ask for a PNG that is "
            f"{2 * room} pixels wide or more."
        )


def _over(logo: ToolkitImage, ground: str) -> Image.Image:
    with Image.open(io.BytesIO(logo.content)) as opened:
        picture = opened.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture).convert("RGB")


def _inked(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of everything that differs from the corner: in colour, or in opacity if the corner is clear."""
    corner = picture.getpixel((0, 0))
    if isinstance(corner, tuple) and corner[3] == 0:
        ink = picture.getchannel("A")
    elif isinstance(corner, tuple) and min(corner) < 255 - _STRAY:  # a plate in a colour of its own is no margin
        return (0, 0, *picture.size)
    else:
        # Every channel counts by itself: a yellow sign on white is hardly any darker.
        differs = ImageChops.difference(picture, Image.new("RGBA", picture.size, corner)).split()
        ink = ImageChops.lighter(ImageChops.lighter(differs[0], differs[1]), ImageChops.lighter(differs[2], differs[3]))
    return ink.point(lambda value: 255 if value > _STRAY else 0).getbbox() or (0, 0, *picture.size)
