"""Theme: a brand and a language worked out into every value that layouts and blocks need, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from newsletters.toolkits.brand import Brand
from newsletters.toolkits.contrast import at_lightness, lightness, mixed, nearest_readable, readable

WIDTH = 600  # of the mail, in px
GUTTER = 32  # left and right of text, in px
COLUMN = WIDTH - 2 * GUTTER


@dataclass(frozen=True)
class Figures:
    """The size of figures side by side, in px: on a wide screen, on a phone; or `stacked` there, one below another."""

    size: int = 40
    phone: int = 28
    stacked: bool = False


@dataclass(frozen=True)
class Theme:
    """The look of a mail in one brand and direction; colours are hex, sizes px.

    `dark` has the colours for a dark screen. `tone`, `gutter` and `figures` change from block to block; `phrases` are
    the words that blocks say by themselves.
    """

    brand: Brand
    direction: str
    primary: str
    on_primary: str
    on_primary_soft: str
    accent: str
    on_accent: str
    background: str
    surface: str
    quiet: str
    text: str
    muted: str
    link: str
    border: str
    spark: str
    dark: Mapping[str, str]
    tone: str = "plain"
    gutter: int = GUTTER
    figures: Figures = Figures()
    phrases: Mapping[str, str] = field(default_factory=dict)

    @property
    def corner(self) -> int:
        """The radius of the card that holds the blocks, in px."""
        return self.brand.radius + 4

    @property
    def heading_font(self) -> str:
        """The fonts of headings and figures."""
        return self.brand.heading_font or self.brand.font

    @property
    def ground(self) -> str:
        """The colour behind text where this look is used."""
        return {"primary": self.primary, "quiet": self.quiet}.get(self.tone, self.surface)

    @property
    def kicker(self) -> str:
        """The colour of the few words above a headline."""
        return self.on_primary_soft if self.tone == "primary" else self.spark

    @property
    def ink(self) -> str:
        """The colour of text where this look is used: on the surface, a tint of it, or the brand's colour."""
        return self.on_primary if self.tone == "primary" else self.text

    @property
    def faint(self) -> str:
        """The colour of text that matters less."""
        return self.on_primary_soft if self.tone == "primary" else self.muted

    @property
    def start(self) -> str:
        """The side on which lines begin."""
        return "right" if self.direction == "rtl" else "left"


def look_of(brand: Brand, direction: str, phrases: Mapping[str, str]) -> Theme:
    """Return the look of `brand`, for text that runs in `direction` (`ltr` or `rtl`)."""
    colours = brand.colours
    primary, surface, text = colours["primary"], colours["surface"], colours["text"]
    on_primary = brand.text_on(primary)
    quiet = mixed(surface, primary, 0.07)
    return Theme(
        brand=brand,
        direction=direction,
        primary=primary,
        on_primary=on_primary,
        on_primary_soft=_readable(mixed(on_primary, primary, 0.14), [primary], on_primary),
        accent=colours["accent"],
        on_accent=brand.text_on(colours["accent"]),
        background=colours["background"],
        surface=surface,
        quiet=quiet,
        text=_readable(text, [surface, quiet], "#000000"),
        muted=_readable(colours["muted"], [surface, colours["background"], quiet], text),
        link=_readable(colours["link"], [surface, quiet], text),
        border=colours["border"],
        spark=nearest_readable(colours["accent"], [surface, quiet]) or text,
        phrases=phrases,
        dark=_dark(colours["primary"], colours["link"]),
    )


def _dark(primary: str, link: str) -> dict[str, str]:
    # Neither pure black nor pure white: halos round letters tire the eye. The brand's hue stays in the greys.
    background, surface = mixed("#131416", primary, 0.06), mixed("#1d1f22", primary, 0.08)
    quiet = mixed("#26292d", primary, 0.10)
    grounds = [background, surface, quiet]
    deep = at_lightness(primary, min(lightness(primary), 0.30))
    button = at_lightness(primary, 0.72)
    return {
        "background": background,
        "surface": surface,
        "quiet": quiet,
        "text": "#eceae6",
        "muted": _readable("#b3b1ab", grounds, "#eceae6"),
        "link": next(
            (shade for step in range(55, 100, 3) if readable(shade := at_lightness(link, step / 100), grounds)),
            "#eceae6",
        ),
        "border": mixed("#3a3d42", primary, 0.12),
        "primary": deep,
        "on_primary": "#ffffff" if readable("#ffffff", [deep]) else "#000000",
        "button": button,
        "on_button": "#131416",
    }


def _readable(colour: str, grounds: Iterable[str], otherwise: str) -> str:
    return colour if readable(colour, grounds) else otherwise
