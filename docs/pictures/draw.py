"""Draws the pictures of the toolkit *Community Makes Us*: SVG, rendered by Chromium, made small by Pillow.

    python docs/pictures/draw.py            writes newsletters/toolkits/community-makes-us/images/*.png

Needs a `chromium` on the path. The pictures are committed; run it again only to change them.
"""

# Drawing instructions read better in one line, and chance protects nothing here.
# ruff: noqa: E501, S311

from __future__ import annotations

import io
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from newsletters.browser import Page, View, open_browser

OUT = Path(__file__).parents[2] / "newsletters" / "toolkits" / "community-makes-us" / "images"

INK, PINE, LEAF, MOSS, MINT = "#23312d", "#1d5c53", "#3f8f6b", "#7fb98a", "#bfe0cd"
CREAM, SAND, SUN, AMBER = "#fbf6ea", "#ecdfc6", "#f7c948", "#f2b632"
CORAL, BRICK, BLUSH, SKY, DUSK, PLUM = "#e8836b", "#c8604c", "#f6cdb4", "#d3e9ea", "#39466b", "#5d5486"
WHITE = "#ffffff"
SKINS = ("#f3c9a5", "#c98d62", "#8a5a3c", "#e8b48c", "#6d452f", "#f6d4b8")


# Shapes -----------------------------------------------------------------------------------------------------


def rect(x: float, y: float, w: float, h: float, fill: str, radius: float = 0, more: str = "") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}" fill="{fill}" {more}/>'


def circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}" {more}/>'


def ellipse(x: float, y: float, rx: float, ry: float, fill: str, more: str = "") -> str:
    return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}" {more}/>'


def path(d: str, fill: str = "none", more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}" {more}/>'


def line(d: str, colour: str, width: float) -> str:
    return path(d, more=f'stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"')


def group(inside: str, x: float, y: float, scale: float = 1, turn: float = 0, flip: bool = False) -> str:
    across = -scale if flip else scale
    return f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f}) scale({across:.3f} {scale:.3f})">{inside}</g>'


# Daisies ----------------------------------------------------------------------------------------------------


def daisy(x: float, y: float, r: float, turn: float = 0, petal: str = WHITE, shade: str = "#e4e9e0") -> str:
    """A daisy with twelve petals, the rear ones in `shade`."""
    petals = ""
    for colour, offset in ((shade, 15), (petal, 0)):
        for n in range(12 if colour == petal else 6):
            angle = turn + offset + n * (30 if colour == petal else 60)
            petals += (
                f'<ellipse cx="0" cy="{-r * 0.62:.1f}" rx="{r * 0.17:.1f}" ry="{r * 0.38:.1f}" fill="{colour}" '
                f'transform="rotate({angle:.0f})"/>'
            )
    heart = circle(0, 0, r * 0.32, AMBER) + circle(-r * 0.07, -r * 0.08, r * 0.2, SUN)
    return f'<g transform="translate({x:.1f} {y:.1f})">{petals}{heart}</g>'


def swag(x1: float, y1: float, x2: float, y2: float, sag: float) -> Callable[[float], tuple[float, float]]:
    """The hanging curve between two nails, as a function of 0 to 1."""

    def at(t: float) -> tuple[float, float]:
        return x1 + (x2 - x1) * t, y1 + (y2 - y1) * t + sag * 4 * t * (1 - t)

    return at


def chain(
    at: Callable[[float], tuple[float, float]], daisies: int, r: float, stem: str = LEAF, width: float = 4
) -> str:
    """A chain of daisies along a curve: stem, a leaf here and there, and the flowers."""
    points = [at(n / 60) for n in range(61)]
    drawn = line("M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points), stem, width)
    for n in range(daisies):
        t = (n + 0.5) / daisies
        x, y = at(t)
        lx, ly = at(min(1, t + 0.5 / daisies))
        drawn += group(ellipse(0, 0, r * 0.45, r * 0.17, MOSS), lx, ly + r * 0.12, turn=35 if n % 2 else -35)
        drawn += daisy(x, y, r, turn=n * 17)
    return drawn


def meadow(rng: random.Random, x1: float, x2: float, y1: float, y2: float, number: int) -> str:
    """Daisies and tufts in the grass, nearer ones larger."""
    spots = sorted((rng.uniform(y1, y2), rng.uniform(x1, x2)) for _ in range(number))
    drawn = ""
    for y, x in spots:
        size = 6 + 7 * (y - y1) / (y2 - y1)
        drawn += line(f"M{x:.1f} {y + size * 1.9:.1f} Q{x + 2:.1f} {y + size:.1f} {x:.1f} {y:.1f}", LEAF, 2.2)
        drawn += daisy(x, y, size, turn=rng.uniform(0, 30))
    return drawn


# People -----------------------------------------------------------------------------------------------------


def head(skin: str, hair: str, style: str) -> str:
    """A smiling head of radius 20 around the origin."""
    back = {
        "long": path("M-23 -2 Q-24 -27 0 -27 Q24 -27 23 -2 L24 22 Q0 30 -24 22 Z", hair),
        "afro": circle(0, -8, 30, hair),
        "bun": circle(0, -28, 11, hair),
        "scarf": path("M-24 0 Q-26 -28 0 -28 Q26 -28 24 0 Q26 24 12 30 L-12 30 Q-26 24 -24 0 Z", hair),
    }.get(style, "")
    top = {
        "long": path("M-20 -3 Q-18 -22 0 -22 Q18 -22 20 -3 Q6 -8 2 -15 Q-8 -5 -20 -3 Z", hair),
        "bun": path("M-21 -1 Q-21 -23 0 -23 Q21 -23 21 -1 Q16 -13 0 -13 Q-16 -13 -21 -1 Z", hair),
        "short": path("M-21 -2 Q-22 -25 0 -25 Q22 -25 21 -2 Q17 -11 12 -12 Q-6 -10 -14 -13 Q-19 -9 -21 -2 Z", hair),
        "afro": path("M-20 -4 Q-18 -21 0 -21 Q18 -21 20 -4 Q10 -13 0 -13 Q-10 -13 -20 -4 Z", hair),
        "bald": path("M-21 4 Q-24 -6 -20 -9 L-18 2 Z M21 4 Q24 -6 20 -9 L18 2 Z", hair),
        "scarf": path("M-21 2 Q-21 -22 0 -22 Q21 -22 21 2 Q18 -12 0 -12 Q-18 -12 -21 2 Z", hair),
        "curls": "".join(circle(20 * math.cos(a), -6 + 17 * math.sin(a), 8.5, hair) for a in curls()),
    }[style]
    face = circle(-7, 0, 2.1, INK) + circle(7, 0, 2.1, INK) + line("M-6 8 Q0 13 6 8", INK, 2.2)
    cheeks = circle(-12, 6, 3.6, CORAL, 'opacity="0.45"') + circle(12, 6, 3.6, CORAL, 'opacity="0.45"')
    return back + circle(0, 0, 20, skin) + cheeks + face + top


def curls() -> Iterator[float]:
    return (math.pi + n * math.pi / 6 for n in range(7))


def bust(skin: str, hair: str, style: str, top: str, arm: str = "wave") -> str:
    """Head and shoulders; the window's sill is at y = 62. `arm`: wave, clap or none."""
    neck = rect(-7, 14, 14, 16, skin, 6)
    body = path("M-34 64 Q-34 28 -8 26 Q0 32 8 26 Q34 28 34 64 Z", top)
    arms = ""
    if arm == "wave":
        arms = line("M27 44 Q42 34 39 8", top, 13) + line("M39 12 L39 2", skin, 9) + circle(39, -4, 8, skin)
        arms += "".join(line(f"M39 -6 L{39 + dx} -16", skin, 4) for dx in (-6, -1, 5))
    elif arm == "clap":
        arms = line("M-28 44 Q-30 62 -9 50", top, 12) + line("M28 44 Q30 62 9 50", top, 12)
        arms += group(ellipse(-4, 0, 6, 12, skin), 0, 42, turn=-14) + group(ellipse(4, 0, 6, 12, skin), 0, 42, turn=14)
    return body + neck + head(skin, hair, style) + arms


def standing(skin: str, hair: str, style: str, top: str, legs: str, length: float = 92) -> str:
    """A whole person, feet at y = 62 + length; no arms, which tell the story."""
    shoes = ellipse(-14, 64 + length, 16, 7, INK) + ellipse(16, 64 + length, 16, 7, INK)
    trousers = rect(-24, 88, 20, length - 26, legs, 7) + rect(5, 88, 20, length - 26, legs, 7)
    body = path("M-30 104 L-33 58 Q-33 28 -8 26 Q0 32 8 26 Q33 28 33 58 L30 104 Q0 110 -30 104 Z", top)
    return shoes + trousers + body + rect(-7, 14, 14, 16, skin, 6) + head(skin, hair, style)


# Places -----------------------------------------------------------------------------------------------------


def window(x: float, y: float, w: float, h: float, inside: str = "", glass: str = "#bcdfe3", frame: str = CREAM) -> str:
    """A sash window; what is `inside` stands on its sill, cut off by the frame below."""
    name = f"w{x:.0f}-{y:.0f}"
    clip = f'<clipPath id="{name}"><rect x="{x:.1f}" y="{y - 60:.1f}" width="{w + 60:.1f}" height="{h + 60:.1f}"/></clipPath>'
    pane = rect(x - 6, y - 6, w + 12, h + 12, frame, 5) + rect(x, y, w, h, glass, 2)
    gleam = path(
        f"M{x} {y + h * 0.5:.1f} L{x + w * 0.45:.1f} {y} L{x + w * 0.7:.1f} {y} L{x} {y + h * 0.8:.1f} Z",
        WHITE,
        'opacity="0.35"',
    )
    bars = rect(x, y + h / 2 - 2, w, 4, frame) + rect(x + w / 2 - 2, y, 4, h, frame)
    sill = rect(x - 12, y + h + 3, w + 24, 9, frame, 3)
    if inside:
        return clip + pane + gleam + f'<g clip-path="url(#{name})">{inside}</g>' + sill
    return pane + gleam + bars + sill


def window_box(x: float, y: float, w: float) -> str:
    flowers = "".join(
        circle(x + 8 + n * (w - 16) / 5, y - 4 - 3 * (n % 2), 6, (CORAL, WHITE, SUN)[n % 3]) for n in range(6)
    )
    return ellipse(x + w / 2, y, w / 2 - 2, 8, LEAF) + flowers + path(f"M{x} {y} h{w} l-5 17 h{-(w - 10)} Z", BRICK)


def door(x: float, ground: float, colour: str, number: str = "") -> str:
    w, h = 64, 122
    y = ground - h
    fan = path(f"M{x} {y} a{w / 2} {w / 2} 0 0 1 {w} 0 Z", SUN)
    rays = "".join(
        line(f"M{x + w / 2} {y} L{x + w / 2 + 29 * math.cos(a):.1f} {y - 29 * math.sin(a):.1f}", CREAM, 2.5)
        for a in (math.pi * n / 5 for n in range(1, 5))
    )
    frame = path(f"M{x - 7} {ground} V{y} a{w / 2 + 7} {w / 2 + 7} 0 0 1 {w + 14} 0 V{ground} Z", CREAM)
    leaf = rect(x, y, w, h, colour) + rect(x + 9, y + 12, 19, 40, WHITE, 2, 'opacity="0.18"')
    leaf += rect(x + 36, y + 12, 19, 40, WHITE, 2, 'opacity="0.18"') + rect(
        x + 9, y + 66, 46, 42, WHITE, 2, 'opacity="0.18"'
    )
    plate = f'<text x="{x + w / 2}" y="{y + 94}" class="number">{number}</text>' if number else ""
    step = rect(x - 14, ground - 8, w + 28, 10, SAND, 3)
    return frame + leaf + fan + rays + circle(x + w - 10, y + 66, 4, AMBER) + plate + step


def house(x: float, w: float, top: float, ground: float, wall: str, roof: str, gable: bool) -> str:
    if gable:
        tiles = path(f"M{x - 8} {top} L{x + w / 2} {top - 92} L{x + w + 8} {top} Z", roof)
        attic = circle(x + w / 2, top - 34, 17, CREAM) + circle(x + w / 2, top - 34, 12, "#bcdfe3")
    else:
        tiles = path(f"M{x - 8} {top} L{x + 16} {top - 62} H{x + w - 16} L{x + w + 8} {top} Z", roof)
        attic = ""
    stack = rect(x + w * 0.74, top - 98, 28, 62, BRICK) + rect(x + w * 0.74 - 4, top - 102, 36, 10, "#a94d3c", 2)
    return (
        stack
        + tiles
        + attic
        + rect(x, top, w, ground - top, wall)
        + rect(x, ground - 26, w, 26, INK, 0, 'opacity="0.09"')
    )


def cloud(x: float, y: float, scale: float, fill: str = WHITE) -> str:
    puffs = (
        ellipse(0, 0, 62, 20, fill) + circle(-24, -12, 22, fill) + circle(8, -20, 28, fill) + circle(34, -8, 18, fill)
    )
    return group(puffs, x, y, scale)


def svg(width: int, height: int, inside: str) -> str:
    style = '<style>.number{font:700 19px "DejaVu Sans",sans-serif;fill:#fff;text-anchor:middle}</style>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"{style}{inside}</svg>"
    )


# The pictures -----------------------------------------------------------------------------------------------


def hero() -> str:
    """A terrace of houses, a neighbour at many windows, and a chain of daisies from door to door."""
    ground, rng = 500, random.Random(14)
    drawn = rect(0, 0, 1200, 600, SKY) + circle(1010, 96, 54, SUN) + circle(1010, 96, 78, SUN, 'opacity="0.25"')
    drawn += cloud(190, 92, 1.0) + cloud(620, 62, 0.75) + cloud(452, 84, 0.5)
    drawn += path("M0 330 Q200 210 460 300 T900 270 T1200 290 V500 H0 Z", MINT)
    drawn += path("M0 400 Q260 300 520 370 T1200 340 V500 H0 Z", "#a5d0b4")
    houses = [
        (-40, 210, 206, "#e9a17c", "#8d4a3f", False), (170, 200, 190, "#f3d9a4", PINE, True),
        (370, 220, 196, "#8fc1b5", "#3c4f63", False), (590, 200, 182, "#ef9a86", "#6e4250", True),
        (790, 214, 202, "#f6e3c2", "#2f6a62", False), (1004, 236, 188, "#9db7d6", "#47486f", True),
    ]  # fmt: skip
    for x, w, top, wall, roof, gable in houses:
        drawn += house(x, w, top, ground, wall, roof, gable)
    people = [
        (10, 226, SKINS[0], "#d9d9d6", "bun", PLUM), (236, 216, SKINS[2], "#2b211d", "afro", CORAL),
        (394, 220, SKINS[3], "#6b3f22", "short", PINE), (656, 210, SKINS[1], PINE, "scarf", SUN),
        (814, 226, SKINS[5], "#b5562c", "curls", BRICK), (1084, 216, SKINS[4], "#2b211d", "short", "#f1e7d3"),
    ]  # fmt: skip
    for n, (x, y, skin, hair, style, top) in enumerate(people):
        who = group(bust(skin, hair, style, top), x + 32, y + 38, 0.72, flip=bool(n % 2))
        drawn += window(x, y, 66, 78, who) + window_box(x - 6, y + 90, 78)
    for x, y in ((104, 226), (498, 220), (916, 226)):
        drawn += window(x, y, 56, 78)
    for x, colour, number in (
        (46, PINE, "5"), (237, BRICK, "7"), (448, PLUM, "9"), (657, PINE, "11"), (864, BRICK, "13"), (1085, DUSK, "15"),
    ):  # fmt: skip
        drawn += door(x, ground, colour, number)
    drawn += rect(0, ground, 1200, 100, SAND) + path("M0 528 Q300 512 620 526 T1200 520 V600 H0 Z", MOSS)
    drawn += path("M0 560 Q340 540 700 556 T1200 548 V600 H0 Z", "#6aa977")
    nails = [(-30, 384), (172, 398), (372, 392), (592, 398), (792, 394), (1006, 398), (1232, 384)]
    for (x1, y1), (x2, y2) in itertools.pairwise(nails):
        drawn += chain(swag(x1, y1, x2, y2, 34), 7, 16)
    drawn += meadow(rng, 10, 1190, 536, 580, 46) + cat(556, 520)
    return svg(1200, 600, drawn)


def cat(x: float, y: float) -> str:
    """A cat that sits in the grass and watches."""
    body = path("M-20 0 Q-26 -34 -6 -44 L8 -44 Q24 -30 20 0 Z", INK) + circle(1, -52, 15, INK)
    ears = path("M-12 -58 L-11 -74 L-1 -66 Z M14 -58 L13 -74 L3 -66 Z", INK)
    tail = line("M18 -4 Q44 -4 38 -30", INK, 7)
    return group(tail + body + ears + circle(-5, -53, 2.4, SUN) + circle(7, -53, 2.4, SUN), x, y)


def small_acts() -> str:
    """A neighbour leaves shopping and daisies on the step, and waves to the older woman at the door."""
    ground, rng = 650, random.Random(3)
    drawn = rect(0, 0, 1200, 800, "#f3d9a4") + rect(0, ground, 1200, 150, SAND)
    for row in range(13):
        for column in range(13):
            if rng.random() < 0.24:
                drawn += rect(column * 100 - 50 * (row % 2), row * 50 + 6, 88, 38, "#ecca8c", 4, 'opacity="0.75"')
    drawn += rect(0, ground - 34, 1200, 34, "#d9b87c")
    drawn += group(window(0, 0, 78, 104) + window_box(-8, 118, 94), 70, 170, 2.1)
    # The door stands open, and she in it.
    drawn += path("M620 650 V230 a170 170 0 0 1 340 0 V650 Z", CREAM) + path(
        "M644 650 V232 a146 146 0 0 1 292 0 V650 Z", "#5a3b36"
    )
    drawn += path("M644 232 a146 146 0 0 1 292 0 Z", SUN) + rect(640, 226, 300, 14, CREAM)
    for n in range(1, 6):
        angle = math.pi * n / 6
        drawn += line(f"M790 228 L{790 + 138 * math.cos(angle):.1f} {228 - 138 * math.sin(angle):.1f}", CREAM, 6)
    drawn += (
        rect(660, 272, 84, 64, CREAM, 4)
        + rect(668, 280, 68, 48, MINT, 2)
        + path("M668 328 L692 298 L708 314 L720 302 L736 328 Z", LEAF)
    )
    drawn += path("M936 240 L1010 270 V668 L936 650 Z", PINE) + circle(952, 452, 8, AMBER)
    drawn += path("M952 282 L996 300 V420 L952 410 Z M952 470 L996 482 V610 L952 598 Z", WHITE, 'opacity="0.14"')
    drawn += rect(600, ground - 6, 400, 30, CREAM, 6) + rect(570, ground + 24, 460, 34, "#ddcfb2", 6)
    gran = path("M-46 168 L-34 60 Q-32 28 -8 26 Q0 32 8 26 Q32 28 34 60 L46 168 Z", PLUM) + rect(
        -7, 14, 14, 16, SKINS[5], 6
    )
    gran += ellipse(-16, 172, 15, 7, BRICK) + ellipse(18, 172, 15, 7, BRICK)
    gran += path("M-30 70 Q-36 30 -9 26 L0 48 L9 26 Q36 30 30 70 L22 122 H-22 Z", "#b9a5cf") + head(
        SKINS[5], "#dcdcd8", "bun"
    )
    gran += "".join(
        f'<circle cx="{x}" cy="-0.5" r="5.4" fill="none" stroke="{INK}" stroke-width="1.6"/>' for x in (-7, 7)
    )
    gran += line("M-30 58 Q-54 44 -50 12", "#b9a5cf", 14) + circle(-50, 2, 9, SKINS[5])
    gran += "".join(line(f"M-50 0 L{-50 + dx} -13", SKINS[5], 4.4) for dx in (-7, -1, 6))
    gran += line("M28 62 Q48 92 26 108", "#b9a5cf", 14) + circle(23, 110, 9, SKINS[5])
    drawn += group(gran, 838, 358, 1.66)
    theo = standing(SKINS[2], "#2b211d", "short", CORAL, DUSK, 122)
    theo += line("M28 54 Q58 40 58 6", CORAL, 15) + line("M58 12 L58 0", SKINS[2], 10) + circle(58, -8, 9.5, SKINS[2])
    theo += "".join(line(f"M58 -10 L{58 + dx} -23", SKINS[2], 4.6) for dx in (-7, 0, 7))
    theo += line("M-28 54 Q-50 82 -30 108", CORAL, 15) + circle(-27, 111, 9.5, SKINS[2])
    drawn += group(theo, 380, 424, 1.62) + shopping(664, ground + 24)
    drawn += chain(swag(-40, 78, 620, 96, 66), 13, 24, width=6) + chain(swag(980, 96, 1260, 50, 40), 6, 24, width=6)
    drawn += pot(1090, ground + 40) + pot(70, ground + 70)
    return svg(1200, 800, drawn)


def shopping(x: float, y: float) -> str:
    """A bag of shopping with a loaf, leeks and a bunch of daisies."""
    drawn = line(f"M{x - 26} {y - 112} L{x - 44} {y - 180} M{x - 18} {y - 112} L{x - 24} {y - 186}", MOSS, 12)
    drawn += path(f"M{x - 50} {y - 176} l-18 -34 l20 20 l4 -34 l12 30 l14 -24 l-4 40 Z", LEAF)
    drawn += rect(x + 2, y - 168, 34, 90, "#d99a55", 15) + line(
        f"M{x + 10} {y - 150} l16 -6 M{x + 10} {y - 132} l16 -6", "#b97a3a", 4
    )
    drawn += path(f"M{x - 62} {y - 112} H{x + 62} L{x + 52} {y} H{x - 52} Z", "#c99762") + rect(
        x - 62, y - 114, 124, 14, "#b5834f", 3
    )
    for n, (dx, dy) in enumerate(((38, -196), (64, -176), (52, -222), (80, -204), (90, -172))):
        drawn += line(f"M{x + 50} {y - 112} Q{x + dx - 6} {y + dy + 50} {x + dx} {y + dy}", LEAF, 4) + daisy(
            x + dx, y + dy, 19, turn=n * 11
        )
    return drawn + daisy(x, y - 52, 26)


def pot(x: float, y: float) -> str:
    leaves = "".join(
        line(f"M{x} {y - 70} Q{x + dx * 0.4} {y - 120} {x + dx} {y - 70 + dy}", LEAF, 6)
        + daisy(x + dx, y - 70 + dy, 21, dx)
        for dx, dy in ((-46, -68), (-20, -104), (14, -118), (44, -84), (58, -48), (-58, -38))
    )
    bush = ellipse(x, y - 78, 56, 26, MOSS)
    return (
        bush
        + leaves
        + path(f"M{x - 50} {y - 70} H{x + 50} L{x + 36} {y} H{x - 36} Z", BRICK)
        + rect(x - 56, y - 80, 112, 20, "#b4523f", 5)
    )


def clapping() -> str:
    """Families on their balconies at dusk, clapping for carers."""
    rng = random.Random(8)
    drawn = (
        rect(0, 0, 1200, 800, "#2f3a5e")
        + rect(0, 0, 1200, 420, DUSK)
        + circle(1086, 110, 46, "#fbe9b7")
        + circle(1066, 98, 42, DUSK)
    )
    for _ in range(40):
        drawn += circle(rng.uniform(0, 1200), rng.uniform(0, 260), rng.uniform(1.2, 2.8), "#fbe9b7", 'opacity="0.8"')
    for x, w, top in ((-20, 150, 420), (120, 90, 500), (1000, 120, 440), (1090, 160, 380)):
        drawn += rect(x, top, w, 400, "#28324f")
        for n in range(10):
            if rng.random() < 0.6:
                drawn += rect(x + 20 + 40 * (n % 3), top + 30 + 60 * (n // 3), 18, 24, SUN, 2, 'opacity="0.7"')
    drawn += rect(150, 70, 900, 760, "#c8705a") + rect(134, 52, 932, 30, "#a9553f", 4)
    flats = [
        (SKINS[0], "#6b3f22", "long", PINE, SKINS[3], "#6b3f22", "curls", SUN), (SKINS[4], "#1f1815", "afro", SUN, None),
        (SKINS[5], "#d6d6d2", "bun", PLUM, SKINS[5], "#cfcfca", "bald", LEAF), (SKINS[1], PINE, "scarf", "#f1e7d3", SKINS[1], "#2b211d", "short", CORAL),
        (SKINS[2], "#2b211d", "short", "#8fc1b5", SKINS[2], "#2b211d", "bun", AMBER), (SKINS[3], "#b5562c", "curls", "#5b8fb0", None),
    ]  # fmt: skip
    for n, who in enumerate(flats):
        drawn += balcony(182 + 290 * (n % 3), 116 + 350 * (n // 3), *who)
    return svg(1200, 800, drawn)


def balcony(x: float, y: float, *who: str | None) -> str:
    """A lit balcony of 256 × 320 with one or two people; who: skin, hair, style, top, and the same again or None."""
    drawn = (
        rect(x, y, 256, 236, CREAM, 4)
        + rect(x + 8, y + 8, 240, 228, "#fbdf94")
        + rect(x + 8, y + 8, 240, 80, "#fde9b4")
    )
    drawn += rect(x + 8, y + 8, 34, 228, BRICK, 0, 'opacity="0.35"') + rect(
        x + 214, y + 8, 34, 228, BRICK, 0, 'opacity="0.35"'
    )
    drawn += (
        line(f"M{x + 128} {y + 8} V{y + 34}", INK, 3)
        + path(f"M{x + 106} {y + 52} Q{x + 128} {y + 16} {x + 150} {y + 52} Z", PINE)
        + circle(x + 128, y + 54, 8, WHITE)
    )
    first, second = who[:4], who[4:]
    both = second and second[0] is not None
    drawn += group(bust(*map(str, first), arm="clap"), x + (88 if both else 128), y + 128, 1.38)
    if both:
        drawn += group(bust(*map(str, second), arm="clap"), x + 176, y + 150, 1.14)
    drawn += clap_marks(x + 52, y + 108, -32) + clap_marks(x + 206, y + 108, 32)
    rail = rect(x - 12, y + 214, 280, 14, INK, 4) + rect(x - 12, y + 300, 280, 16, INK, 4)
    rail += "".join(rect(x - 6 + 24 * n, y + 222, 6, 84, INK) for n in range(12))
    return drawn + rail + chain(swag(x - 12, y + 222, x + 268, y + 222, 48), 9, 17, width=4)


def clap_marks(x: float, y: float, turn: float) -> str:
    """Three short strokes: the sound of it."""
    return group("".join(line(f"M{dx} 0 L{dx * 1.9} -20", BRICK, 5) for dx in (-14, 0, 14)), x, y, 0.9, turn)


def logo() -> str:
    """Daisies joined in a ring beside the coalition's name; on white, so that dark mode can't swallow it."""
    ring = (
        circle(110, 110, 98, PINE) + f'<circle cx="110" cy="110" r="58" fill="none" stroke="{MOSS}" stroke-width="8"/>'
    )
    for n in range(6):
        angle = math.pi * (n / 3 + 0.5)
        ring += daisy(110 + 58 * math.cos(angle), 110 + 58 * math.sin(angle), 30, turn=n * 12)
    words = "".join(
        f'<text x="226" y="{y}" style="font:700 62px \'DejaVu Sans\',sans-serif;letter-spacing:-2px" fill="{colour}">{word}</text>'
        for word, y, colour in (("Connection", 100, PINE), ("Coalition", 166, PINE))
    )
    return svg(640, 220, rect(0, 0, 640, 220, WHITE) + ring + words)


# Rendering --------------------------------------------------------------------------------------------------


def render(drawing: str, width: int, height: int) -> Image.Image:
    """The drawing as pixels, rendered at twice its size and brought down, which smooths every edge."""
    page = f'<!doctype html><meta charset="utf-8"><style>body{{margin:0}}svg{{display:block}}</style>{drawing}'
    with open_browser() as browser:
        shot = browser.picture(Page(page), View(width, height, scale=2))
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def save(picture: Image.Image, target: Path, colours: int) -> None:
    """Write a PNG with a palette: a third of the bytes, and pictures as flat as these lose nothing by it."""
    small = picture.convert("RGB").quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(target, optimize=True)


PICTURES = {
    "logo": (logo, 640, 220, 96), "hero": (hero, 1200, 600, 200),
    "small-acts": (small_acts, 1200, 800, 200), "clapping": (clapping, 1200, 800, 200),
}  # fmt: skip

if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        draw, wide, high, colours = PICTURES[name]
        file = OUT / f"{name}.png"
        save(render(draw(), wide, high), file, colours)
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1024:.0f} KB\n")
