"""Logos: cut to their ink, so that two logos side by side look equally large."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import lru_cache

from PIL import Image, ImageChops

from newsletters.compose.pictures import logo_room
from newsletters.toolkits.images import ToolkitImage, measure

# How far a margin's colour may stray and still be a margin: JPEG is never quite white.
_STRAY = 24


@lru_cache(maxsize=64)
def trimmed(logo: ToolkitImage) -> ToolkitImage:
    """Return the logo without its margins, as PNG; the logo itself if it has none."""
    with Image.open(io.BytesIO(logo.content)) as opened:
        picture = opened.convert("RGBA")
    box = _inked(picture)
    if box == (0, 0, *picture.size):
        return logo
    picture = picture.crop(box)
    # Twice as large as it will be shown; then it need not be resized again.
    widest = 2 * logo_room(replace(logo, width=picture.width, height=picture.height)).width
    picture.thumbnail((widest, picture.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return replace(measure(file.getvalue(), logo.name), alt=logo.alt)


def _inked(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of everything that differs from the corner: in colour, or in opacity if the corner is clear."""
    corner = picture.getpixel((0, 0))
    if isinstance(corner, tuple) and corner[3] == 0:
        ink = picture.getchannel("A")
    else:
        # Every channel counts by itself: a yellow sign on white is hardly any darker.
        differs = ImageChops.difference(picture, Image.new("RGBA", picture.size, corner)).split()
        ink = ImageChops.lighter(ImageChops.lighter(differs[0], differs[1]), ImageChops.lighter(differs[2], differs[3]))
    return ink.point(lambda value: 255 if value > _STRAY else 0).getbbox() or (0, 0, *picture.size)
