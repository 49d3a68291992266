"""The logos at the foot of a picture: of like size, never stretched, with clear space around each.

A logo that can't be seen on the foot gets a plate. Who has no logo is there by name.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from newsletters.compose.resize import in_srgb
from newsletters.packs.logos import plate_for, trimmed
from newsletters.social.shapes import Box
from newsletters.toolkits.images import ToolkitImage

_AREA = 30_000  # px² of a logo 142 px high's foot: a long one and a square one look equally large
_FOOT = 142
_CLEAR = 4  # the clear space is at least a quarter of a logo's height: of its foot, a sixth above and below at least
_LARGEST = 2  # how many times larger than its file a logo may be drawn: beyond, it is only blurred
_NAME, _SITE = 40, 28  # the largest size of a name, and of an address
_PLATES = {"white": "#ffffff", "dark": "#1d2524"}


@dataclass(frozen=True)
class Bearer:
    """An organisation at the foot of a picture, or the address of a site."""

    name: str
    logo: ToolkitImage | None
    is_site: bool = False


@dataclass(frozen=True)
class PlacedLogo:
    """A logo, or a name, and its place; `plate` is the colour behind it, with `air` around."""

    bearer: Bearer
    box: Box
    plate: str
    air: int
    first: bool

    def values(self) -> dict[str, Any]:
        """Return what the template needs to know."""
        name = "" if self.bearer.logo else self.bearer.name
        return {
            "box": self.box, "plate": self.plate, "air": self.air, "name": name, "first": self.first,
            "largest": _SITE if self.bearer.is_site else _NAME,
        }  # fmt: skip


def placed(bearers: Sequence[Bearer], foot: Box, surface: str, direction: str, padding: int) -> list[PlacedLogo]:
    """Return the marks of one or two organisations on the foot, the first at the side where a line begins."""
    x, y, width, height = foot
    room = (width - 2 * padding - (len(bearers) - 1) * height // 2) // len(bearers)
    marks = []
    for place, bearer in enumerate(bearers):
        across, up = _size(bearer.logo, room, height) if bearer.logo else (room, height - 2 * (height // 5))
        plate = _PLATES.get(plate_for(bearer.logo, surface), "") if bearer.logo else ""
        # The plate is inside the clear space; outside of it there is as much again to the edge of the picture.
        at_start = (place == 0) == (direction == "ltr")
        left = x + padding if at_start else x + width - padding - across
        marks.append(PlacedLogo(bearer, (left, y + (height - up) // 2, across, up), plate, _air(up), not place))
    return marks


def drawn_logo(logo: ToolkitImage, width: int, height: int) -> Image.Image:
    """Return a logo without its margins, in colours for screens, at that size."""
    with Image.open(io.BytesIO(trimmed(logo).content)) as opened:
        return in_srgb(opened).convert("RGBA").resize((width, height), Image.Resampling.LANCZOS)


def fitted_into(logo: ToolkitImage, room: Box) -> Box:
    """Return the box in which a whole logo fills the room, in its middle."""
    x, y, width, height = room
    shown = trimmed(logo)
    scale = min(width / shown.width, height / shown.height)
    across, up = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
    return x + (width - across) // 2, y + (height - up) // 2, across, up


def _size(logo: ToolkitImage, room: int, height: int) -> tuple[int, int]:
    """Return how large a logo is drawn: with half its height left above and below, of which half may be a plate."""
    shown = trimmed(logo)
    ratio = shown.width / shown.height
    area = _AREA * (height / _FOOT) ** 2
    up = min((area / ratio) ** 0.5, height / 2, room / ratio, _LARGEST * shown.height)
    return max(1, round(up * ratio)), max(1, round(up))


def _air(height: int) -> int:
    return -(-height // _CLEAR)
