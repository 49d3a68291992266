"""Shapes of social pictures: how large each is, and where its photo, words and logos are. All in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Box = tuple[int, int, int, int]  # x, y, width, height


def mirrored(box: Box, width: int) -> Box:
    """Return the box on the other side of a picture that is so wide."""
    return width - box[0] - box[2], *box[1:]


@dataclass(frozen=True)
class Shape:
    """A size that networks show well, for `use`.

    `edge` is the panel's side towards the photo, which swells by `swell` px; `bare` is the box of the words in a
    picture without a photo, `largest` and `smallest` the sizes of its headline.
    """

    key: str
    name: str
    use: str
    width: int
    height: int
    photo: Box
    panel: Box
    edge: str
    swell: int
    words: Box
    bare: Box
    foot: Box
    foot_radius: int
    largest: int
    smallest: int
    kicker: int

    def facing(self, direction: str) -> Shape:
        """Return the shape for words in that direction; from right to left it is mirrored."""
        if direction == "ltr":
            return self
        boxes: dict[str, Any] = {
            name: mirrored(getattr(self, name), self.width) for name in ("photo", "panel", "words", "bare", "foot")
        }
        return replace(self, **boxes, edge={"right": "left"}.get(self.edge, self.edge))

    def without_photo(self) -> Shape:
        """Return the shape with its panel everywhere."""
        whole = (0, 0, self.width, self.height)
        return replace(self, panel=whole, edge="", words=self.bare, largest=self.largest * 5 // 4)


SHAPES: Mapping[str, Shape] = {
    shape.key: shape
    for shape in (
        Shape(
            "square", "Square", "posts on Instagram, Facebook, LinkedIn", 1080, 1080,
            photo=(0, 0, 1080, 600), panel=(0, 570, 1080, 510), edge="top", swell=36,
            words=(72, 604, 936, 304), bare=(72, 84, 936, 770),
            foot=(0, 938, 1080, 142), foot_radius=0, largest=104, smallest=36, kicker=26,
        ),
        # Apps cover 250 px at the top of a story with names, and 340 px at the bottom with buttons.
        Shape(
            "story", "Story", "stories and reels", 1080, 1920,
            photo=(0, 0, 1080, 900), panel=(0, 860, 1080, 1060), edge="top", swell=44,
            words=(84, 910, 912, 450), bare=(84, 270, 912, 1090),
            foot=(84, 1396, 912, 176), foot_radius=36, largest=124, smallest=46, kicker=32,
        ),
        Shape(
            "wide", "Wide", "links, X, a website", 1200, 630,
            photo=(600, 0, 600, 516), panel=(0, 0, 620, 516), edge="right", swell=28,
            words=(64, 40, 540, 436), bare=(64, 40, 1072, 436),
            foot=(0, 516, 1200, 114), foot_radius=0, largest=84, smallest=34, kicker=22,
        ),
    )
}  # fmt: skip
