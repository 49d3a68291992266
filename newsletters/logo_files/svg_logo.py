"""Drawings (SVG) as PNG: mail programs show none. What is drawn comes from outside, so it is drawn apart.

The text is refused if it asks for anything outside of itself, or declares entities, which may unfold without end.
Then another process draws it, within limits of time and memory: a few lines can ask for hours of blur.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.parsers import expat

from daisychain.errors import InputError

LARGEST_DRAWING = 4 * 1024**2  # bytes
_WIDTH = 1_000  # pixels; a logo is shown 230 wide at most
_SECONDS = 10
_DRAW = Path(__file__).with_name("draw_svg.py")
_OWN = re.compile(r"\s*(?:#|data:image/(?:png|jpe?g|gif|webp)[;,])", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*["']?""", re.IGNORECASE)
_IMPORT = re.compile(r"@import", re.IGNORECASE)
_EXPORT = "Open it in the program it was made with, and export it as a PNG: 600 pixels wide or more."


def is_svg(content: bytes) -> bool:
    """Return whether `content` looks like an SVG."""
    head = content[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<") and b"<svg" in head.lower()


def svg_as_png(content: bytes) -> bytes:
    """Return the drawing as a PNG with a clear ground; raises InputError if it can't be drawn, or asks for more."""
    if len(content) > LARGEST_DRAWING:
        raise InputError(f"The drawing is too large: {LARGEST_DRAWING // 1024**2} MB are allowed.", hint=_EXPORT)
    _refuse_what_is_outside(content)
    try:
        # Without our environment, in which there are secrets.
        made = subprocess.run(
            [sys.executable, "-I", str(_DRAW), str(_WIDTH)], input=content, capture_output=True, timeout=_SECONDS,
            check=True, env={"PATH": os.defpath}, cwd="/",
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise InputError("The logo is an SVG that can't be drawn.", hint=_EXPORT) from None
    return made.stdout


def _refuse_what_is_outside(content: bytes) -> None:
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = _element
    parser.CharacterDataHandler = _style
    parser.buffer_text = True
    parser.EntityDeclHandler = _entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise InputError("The logo is a broken SVG.", hint=_EXPORT) from None


def _element(tag: str, attributes: dict[str, str]) -> None:
    name = tag.rpartition(":")[2].lower()
    if name == "text":
        # Its font is on the designer's computer: here the words would get lost, or look like somebody else's.
        raise InputError("The logo is an SVG whose words need a font that is not in the file.", hint=_EXPORT)
    for key, value in attributes.items():
        if key.rpartition(":")[2].lower() == "href" and name != "a" and not _OWN.match(value):
            raise InputError("The logo is an SVG that loads something from elsewhere.", hint=_EXPORT)
        _style(value)


def _style(text: str) -> None:
    if _IMPORT.search(text) or any(not _OWN.match(text[found.end() :]) for found in _URL.finditer(text)):
        raise InputError("The logo is an SVG that loads something from elsewhere.", hint=_EXPORT)


def _entity(*_: Any) -> None:
    raise InputError("The logo is an SVG with entities, which could unfold without end.", hint=_EXPORT)
