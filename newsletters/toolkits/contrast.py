"""Contrast: colours as people write them, how well one stands out from another, and the shades that can be read.

Colours are `#rrggbb` once they are read. The checks look for text that can't be read in `checks/legibility.py`.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

from PIL import ImageColor

# WCAG 2.2, 1.4.3: text of the usual size, and text of 18 pt, or 14 pt and bold.
ENOUGH_CONTRAST = 4.5
ENOUGH_FOR_LARGE = 3.0
_OPAQUE = 255


def parse_colour(value: str, least_alpha: int = _OPAQUE) -> str:
    """Return the colour that CSS knows as `value` as `#rrggbb`; empty if it is none, or lets too much shine through."""
    try:
        red, green, blue, *alpha = ImageColor.getrgb(value)
    except ValueError:
        return ""
    return _hex(red, green, blue) if not alpha or alpha[0] >= least_alpha else ""


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, grounds: Iterable[str]) -> bool:
    """Return whether text in `colour` can be read on all `grounds`."""
    return all(contrast(colour, ground) >= ENOUGH_CONTRAST for ground in grounds)


def too_faint(colour: str, grounds: Iterable[str]) -> str:
    """Return what is wrong with text in `colour`, on the worst of `grounds`; empty if it can be read."""
    found, ground = min((contrast(colour, ground), ground) for ground in grounds)
    if found >= ENOUGH_CONTRAST:
        return ""
    return f"on {ground} has a contrast of {found:.1f}:1, and {ENOUGH_CONTRAST}:1 is needed to read it."


def nearest_readable(colour: str, grounds: Iterable[str]) -> str | None:
    """Return the shade of `colour` nearest in lightness that can be read on all `grounds`; None if there is none."""
    grounds, start = list(grounds), lightness(colour)
    for step in range(256):
        for shade in (start - step / 255, start + step / 255):
            if 0 <= shade <= 1 and readable(tried := at_lightness(colour, shade), grounds):
                return tried
    return None


def mixed(colour: str, other: str, share: float) -> str:
    """Return `colour` with a `share` (0 to 1) of `other` in it."""
    return _hex(*(round(one + (two - one) * share) for one, two in zip(_rgb(colour), _rgb(other), strict=True)))


def lightness(colour: str) -> float:
    """Return how light `colour` is, from 0 to 1, as HSL has it."""
    return colorsys.rgb_to_hls(*(part / 255 for part in _rgb(colour)))[1]


def at_lightness(colour: str, shade: float) -> str:
    """Return `colour` in the hue that it has, as light as `shade` (0 to 1)."""
    hue, _, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _rgb(colour)))
    return _hex(*(round(part * 255) for part in colorsys.hls_to_rgb(hue, shade, saturation)))


def _luminance(colour: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _rgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(*parts: int) -> str:
    return "#" + "".join(f"{part:02x}" for part in parts)
