"""The contrasts of a brand's colours, as they are typed: what can be read on what, and the nearest shade that can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from newsletters.toolkits.brand import DEFAULT_COLOURS
from newsletters.toolkits.contrast import ENOUGH_CONTRAST, contrast, nearest_readable, parse_colour

# These are read as text, on the surface and on the background of the page.
_READ = ("text", "muted", "link")
_GROUNDS = ("surface", "background")


@dataclass(frozen=True)
class ColourContrast:
    """A colour of text with its contrast on each ground; `nearest` is the shade to take if it is not enough."""

    name: str
    colour: str
    on: Mapping[str, float]
    nearest: str

    @property
    def enough(self) -> bool:
        """Whether it can be read on every ground."""
        return min(self.on.values()) >= ENOUGH_CONTRAST


def colour_contrasts(typed: Mapping[str, str]) -> list[ColourContrast]:
    """Return the contrasts of the colours that are text; a colour that is missing, or none, has its default."""
    given = {key: found for key, value in typed.items() if (found := parse_colour(value))}
    colours = {**DEFAULT_COLOURS, **({"link": given["primary"]} if "primary" in given else {}), **given}
    grounds = {name: colours[name] for name in _GROUNDS}
    return [
        ColourContrast(
            name, colours[name], {ground: contrast(colours[name], colour) for ground, colour in grounds.items()},
            nearest_readable(colours[name], grounds.values()) or "",
        )
        for name in _READ
    ]  # fmt: skip
