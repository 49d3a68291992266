"""Drawings (SVG) as PNG: mail programs show none. What is drawn comes from outside, so it is drawn apart.

The text is refused if it asks for anything outside of itself, declares entities, uses filters, or draws too much: a
few lines can ask for hours of blur. Then another process draws it, within limits of time and memory.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from daisychain.errors import InputError

LARGEST_DRAWING = 4 * 1024**2  # bytes
MOST_ELEMENTS = 5_000  # with those that are drawn again by reference
_DEEPEST = 100  # elements in each other, and references after each other
_WIDTH = 1_000  # pixels; a logo is shown 230 wide at most
_SECONDS = 5  # by the clock; draw_svg.py allows itself less of the processor
_DRAW = Path(__file__).with_name("draw_svg.py")
_OWN = re.compile(r"\s*(?:#|data:image/(?:png|jpe?g|gif|webp)[;,])", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*["']?""", re.IGNORECASE)
_ID = re.compile(r"""url\(\s*["']?#([^"')\s]+)""", re.IGNORECASE)
_FILTER = re.compile(r"(?<![\w-])filter(?:\s|/\*.*?\*/)*:(?!\s*none\b)", re.DOTALL | re.IGNORECASE)
# Paints are worked out by pixel, however many shapes have them.
_CHEAP = ("lineargradient", "radialgradient", "stop")
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
    _refuse_what_is_risky(content)
    try:
        # Without our environment, in which there are secrets.
        made = subprocess.run(
            [sys.executable, "-I", str(_DRAW), str(_WIDTH)], input=content, capture_output=True, timeout=_SECONDS,
            check=True, env={"PATH": os.defpath}, cwd="/",
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise InputError("The logo is an SVG that can't be drawn.", hint=_EXPORT) from None
    return made.stdout


def _refuse_what_is_risky(content: bytes) -> None:
    drawing = _Drawing()
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = drawing.start
    parser.EndElementHandler = drawing.end
    parser.CharacterDataHandler = drawing.text
    parser.buffer_text = True
    parser.buffer_size = len(content) + 1  # in smaller pieces, what is looked for could be cut in two
    parser.EntityDeclHandler = _entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise InputError("The logo is a broken SVG.", hint=_EXPORT) from None
    drawing.refuse_repeats()


@dataclass
class _Element:
    """An element, the elements inside, and the ids that it refers to."""

    name: str
    inside: list[_Element] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)
    drawn: int | None = None


class _Drawing:
    """Reads the elements of an SVG; raises InputError for what may not be in a logo."""

    def __init__(self) -> None:
        self._open = [_Element("")]
        self._by_id: dict[str, _Element] = {}
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Look at an element's attributes, and remember what it refers to."""
        element = _Element(tag.rpartition(":")[2].lower())
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) > _DEEPEST:
            raise _too_detailed()
        if element.name == "text":
            # Its font is on the designer's computer: here the words would get lost, or look like somebody else's.
            raise InputError("The logo is an SVG whose words need a font that is not in the file.", hint=_EXPORT)
        self._open[-1].inside.append(element)
        self._open.append(element)
        for key, value in attributes.items():
            key = key.rpartition(":")[2].lower()
            if key == "id":
                self._by_id.setdefault(value, element)
            if key == "href" and element.name != "a":
                if not _OWN.match(value):
                    raise _loads()
                element.refers += [value.strip()[1:]]
            if (key == "filter" and value.strip() != "none") or (key == "style" and _FILTER.search(value)):
                raise _filtered()
            _refuse_addresses(value)
            element.refers += _ID.findall(value)

    def end(self, _: str) -> None:
        """Leave an element."""
        self._open.pop()

    def text(self, text: str) -> None:
        """Look at the text of an element, which may be a style sheet."""
        if self._open[-1].name == "style" and _FILTER.search(text):
            raise _filtered()
        _refuse_addresses(text)

    def refuse_repeats(self) -> None:
        """Refuse a drawing that is small only because it draws its parts again and again."""
        self._drawn(self._open[0], 0)

    def _drawn(self, element: _Element, depth: int) -> int:
        """Return how many elements are drawn for one: itself, those inside, and those that these refer to."""
        if depth > _DEEPEST:
            raise _too_detailed()
        if element.name in _CHEAP:
            return 0
        if element.drawn is None:
            element.drawn = 1  # for a part that refers to itself, which is drawn once
            parts = [*element.inside, *(self._by_id[each] for each in element.refers if each in self._by_id)]
            element.drawn += sum(self._drawn(each, depth + 1) for each in parts)
            if element.drawn > MOST_ELEMENTS:
                raise _too_detailed()
        return element.drawn


def _refuse_addresses(text: str) -> None:
    if _IMPORT.search(text) or any(not _OWN.match(text[found.end() :]) for found in _URL.finditer(text)):
        raise _loads()


def _loads() -> InputError:
    return InputError("The logo is an SVG that loads something from elsewhere.", hint=_EXPORT)


def _filtered() -> InputError:
    return InputError("The logo is an SVG with filters, such as a blur or a shadow.", hint=_EXPORT)


def _too_detailed() -> InputError:
    return InputError(
        f"The logo is an SVG of more than {MOST_ELEMENTS:,} elements, or nested too deeply.", hint=_EXPORT
    )


def _entity(*_: Any) -> None:
    raise InputError("The logo is an SVG with entities, which could unfold without end.", hint=_EXPORT)
