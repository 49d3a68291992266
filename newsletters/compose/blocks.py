"""Blocks: the parts that a newsletter can have, each a file of `templates/email/blocks`.

A file begins with a Jinja comment that holds YAML:

    summary     one sentence
    body        none, optional or required: whether it has text inside
    place       column: it is part of the text; section: it fills the width (default: column)
    tone        the colours of the text inside it: plain, primary or quiet (default: those round it)
                An attribute `tone` chooses among them.
    gutter      px left and right of the text inside it (default: as round it)
    words       classes of inline.css.j2 for the text inside it; {name} stands for an attribute's value
    holds       the blocks that may be inside it, and nothing else; `most` says how many
    within      the block that it must be in
    attributes  name: {type: text|url|image|choice, required: yes, main: yes, default: …, values: […], summary: …};
                an image's `width` and `height` are the most that is shown of it, in px
    example     what to write

and has three macros: `html(a, body, look)` writes MJML, `text(a, body, look)` plain text, and
`simple(a, body, look, out)` the same without layout, by the macros of `out`, which come from simple.html.j2 or
paste.txt.j2. `a` holds the attributes, `body` the finished inside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from daisychain.suggestions import nearest
from newsletters.compose.theme import COLUMN
from newsletters.expressions.parse import Line

_HEADER = re.compile(r"\{#-?\s*\n(.*?)-?#\}", re.DOTALL)
_ENDING = ".mjml.j2"

Body = Literal["none", "optional", "required"]


@dataclass(frozen=True)
class Attribute:
    """One attribute of a block; the `main` one may be given without its name."""

    name: str
    type: Literal["text", "url", "image", "choice"]
    summary: str = ""
    required: bool = False
    main: bool = False
    default: str = ""
    values: tuple[str, ...] = ()
    width: int = COLUMN
    height: int = 0


@dataclass(frozen=True)
class Block:
    """A block: its name, what it may hold, and its place."""

    name: str
    summary: str
    body: Body
    example: str
    attributes: Mapping[str, Attribute]
    place: Literal["column", "section"] = "column"
    tone: str = ""
    gutter: int = 0
    words: str = ""
    holds: tuple[str, ...] = ()
    most: int = 0
    within: str = ""

    def check(self, words: Sequence[str], given: Mapping[str, str], line: Line) -> dict[str, str]:
        """Return all attributes, defaults included; raises InputError for one that is unknown, missing or wrong."""
        values = dict(given)
        main = next((item.name for item in self.attributes.values() if item.main), None)
        for word in words:
            if main is None or main in values:
                raise line.wrong(f"{word!r} is not an attribute.", self._known(word))
            values[main] = word
        for name in values:
            if name not in self.attributes:
                raise line.wrong(f"The block {self.name!r} has no attribute {name!r}.", self._known(name))
        return {item.name: self._value(item, values.get(item.name), line) for item in self.attributes.values()}

    def _value(self, attribute: Attribute, value: str | None, line: Line) -> str:
        if value is None or not value.strip():
            if attribute.required:
                raise line.wrong(f'The block {self.name!r} needs {attribute.name}="…".', attribute.summary)
            return attribute.default if value is None else ""
        if attribute.type == "choice" and value not in attribute.values:
            raise line.wrong(f"{attribute.name!r} can't be {value!r}.", nearest(value, attribute.values))
        return value.strip()

    def _known(self, word: str) -> str:
        return nearest(word, self.attributes) if self.attributes else f"{self.name} takes no attributes."


@dataclass(frozen=True)
class Registry:
    """All blocks, and the layouts' summaries, by name."""

    blocks: Mapping[str, Block]
    layouts: Mapping[str, str]


@cache
def registry() -> Registry:
    """Return the blocks and layouts that are in the folders; a header that is wrong raises ValueError."""
    blocks = {name: _block(name, header) for name, header in _headers("blocks")}
    return Registry(blocks, {name: str(header["summary"]) for name, header in _headers("layouts")})


def _headers(folder: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for entry in sorted(files("templates").joinpath("email", folder).iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(_ENDING):
            header = _HEADER.match(entry.read_text(encoding="utf-8"))
            if header is None:
                raise ValueError(f"{folder}/{entry.name} begins with no header")
            found.append((entry.name.removesuffix(_ENDING), yaml.safe_load(header[1])))
    return found


def _block(name: str, header: dict[str, Any]) -> Block:
    attributes = {
        key: Attribute(
            key, **{**value, "values": tuple(value.get("values", ())), "default": str(value.get("default", ""))}
        )
        for key, value in (header.pop("attributes", None) or {}).items()
    }
    return Block(name=name, attributes=attributes, **{**header, "holds": tuple(header.get("holds", ()))})
