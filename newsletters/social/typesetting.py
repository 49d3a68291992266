"""Typesetting: a template of templates/social and its values become an overlay, by Typst.

Typst shapes and breaks lines in every script, without a program or a font of the machine. The values are data: nothing
that a toolkit or a partner writes is read as Typst.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
import typst

from newsletters.social.glyphs import font_folders

_TEMPLATES = Path(__file__).parent.parent.parent / "templates/social"
_CSS_PIXEL = 72  # points an inch: a point of the template is a pixel of the picture


def typeset(template: str, values: Mapping[str, Any], *, scale: float = 1, format_: str = "png") -> bytes:
    """Return what a template shows for `values`, a PNG that can be seen through, or an SVG."""
    # Its types know no keywords that are given together.
    made: Any = typst.compile(_source(template), format=format_, ppi=_CSS_PIXEL * scale, **_ways(values))  # type: ignore[call-overload]
    return cast(bytes, made)


def measured(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template says of how its words came out: size, lines, whether they fit."""
    found = typst.query(_source(template), "<fit>", field="value", one=True, **_ways(values))
    return cast(dict[str, Any], orjson.loads(found))


def _ways(values: Mapping[str, Any]) -> dict[str, Any]:
    fonts, families = _fonts()
    return {
        "sys_inputs": {"values": orjson.dumps({**values, "fonts": families}).decode()},
        "font_paths": fonts,
        "ignore_system_fonts": True,
        "root": str(_TEMPLATES),
    }


@cache
def _source(template: str) -> bytes:
    return (_TEMPLATES / f"{template}.typ").read_bytes()


@cache
def _fonts() -> tuple[typst.Fonts, list[str]]:
    """Return the fonts, and their families in the order in which a character is looked for."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(each) for each in font_folders()]
    )
    last = ("Noto Sans Symbols", "Noto Emoji")  # they have digits and arrows of their own
    return fonts, sorted(fonts.families(), key=lambda name: (name in last, name))
