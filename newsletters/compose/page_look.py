"""The look of web pages in a brand: its name, its logo, and a style sheet of its colours, light and dark."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletters.compose.theme import look_of
from newsletters.toolkits.brand import DEFAULT_COLOURS, Brand
from newsletters.toolkits.contrast import mixed

_ORDER = sorted(DEFAULT_COLOURS)
_NAME = re.compile(rf"[0-9a-f]{{6}}(?:-[0-9a-f]{{6}}){{{len(_ORDER) - 1}}}")


def page_look(brand: Brand, logo: str, dark_logo: str) -> dict[str, str]:
    """Return what pages show of a brand; `logo` and `dark_logo` are names of image files, or empty."""
    alt = brand.logo.alt if brand.logo else ""
    return {
        "name": brand.name, "style": style_name(brand.colours), "logo": logo, "dark_logo": dark_logo,
        "alt": alt or brand.name,
    }  # fmt: skip


def style_name(colours: Mapping[str, str]) -> str:
    """Return the name of the style sheet for a brand's colours, which holds them all."""
    return "-".join(colours[name].lower().lstrip("#") for name in _ORDER)


def style_sheet(name: str) -> str | None:
    """Return the style sheet of this name: the colours of daisychain.css; None if it is no such name."""
    if not _NAME.fullmatch(name):
        return None
    colours = {key: f"#{colour}" for key, colour in zip(_ORDER, name.split("-"), strict=True)}
    look = look_of(Brand("", colours=colours), "ltr", {})
    light = {
        "page": look.background, "surface": look.surface, "text": look.text, "muted": look.muted, "line": look.border,
        "primary": look.primary, "on-primary": look.on_primary, "link": look.link, "band": look.primary,
        "on-band": look.on_primary, "primary-strong": mixed(look.primary, look.on_primary, 0.12),
    }  # fmt: skip
    dark = {
        "page": look.dark["background"], "surface": look.dark["surface"], "text": look.dark["text"],
        "muted": look.dark["muted"], "line": look.dark["border"], "primary": look.dark["button"],
        "on-primary": look.dark["on_button"], "link": look.dark["link"], "band": look.dark["primary"],
        "on-band": look.dark["on_primary"], "primary-strong": mixed(look.dark["button"], "#ffffff", 0.25),
    }  # fmt: skip
    return f":root {{ {_css(light)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_css(dark)} }} }}\n"


def _css(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
