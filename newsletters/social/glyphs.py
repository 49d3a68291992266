"""Glyphs: the fonts that pictures are typeset in, and whether they have every character of a text.

The fonts are Noto, from packages that hold nothing else; what the machine has is not used, so that a picture looks the
same wherever it is drawn. A character without a glyph would be a box: it is refused.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from daisychain.errors import InputError

_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_CHINESE = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"})
# Line breaks, marks of direction and variation selectors: they change how others are drawn, and have no glyph.
_UNDRAWN = frozenset({"Cf", "Zs", "Zl", "Zp", "Cc"})
_SELECTORS = range(0xFE00, 0xFE10)


@cache
def font_folders() -> tuple[Path, ...]:
    """Return the folders of the font packages that are installed."""
    specs = [find_spec(name) for name in _PACKAGES]
    return tuple(Path(spec.origin).parent for spec in specs if spec and spec.origin)


def refuse_boxes(text: str) -> None:
    """Raise InputError if a character of `text` has no glyph in any font, with its script and what to do."""
    for sign in text:
        if unicodedata.category(sign) in _UNDRAWN or ord(sign) in _SELECTORS or ord(sign) in _covered():
            continue
        script = unicodedata.name(sign, "UNKNOWN").split()[0]
        if script in _CHINESE:
            raise InputError(
                f"There is no font here for {sign!r}, so no picture can be drawn with it.",
                hint="Chinese, Japanese and Korean need a package of their own: pip install manimgx-fonts-cjk",
            )
        what = f"of the script {script.title()} " if unicodedata.category(sign).startswith("L") else ""
        raise InputError(
            f"There is no font here for the sign {sign!r} {what}({unicodedata.name(sign, 'unknown').lower()}), so no "
            "picture can be drawn with it.",
            hint="Leave it out of the words on the picture: give the post a `headline`.",
        )


@cache
def _covered() -> frozenset[int]:
    """Return the characters that some font has, as code points."""
    files = [file for folder in font_folders() for file in sorted(folder.glob("*.[to]t*"))]
    return frozenset(code for file in files for code in _characters(file.read_bytes()))


def _characters(font: bytes) -> Iterator[int]:
    """Yield the code points in the `cmap` of a TrueType font, or of the first one in a collection."""
    start = struct.unpack_from(">I", font, 12)[0] if font.startswith(b"ttcf") else 0
    for entry in range(start + 12, start + 12 + 16 * struct.unpack_from(">H", font, start + 4)[0], 16):
        tag, _, table, _ = struct.unpack_from(">4sIII", font, entry)
        if tag == b"cmap":
            for record in range(table + 4, table + 4 + 8 * struct.unpack_from(">H", font, table + 2)[0], 8):
                yield from _mapped(font, table + struct.unpack_from(">I", font, record + 4)[0])


def _mapped(font: bytes, at: int) -> Iterator[int]:
    form = struct.unpack_from(">H", font, at)[0]
    if form == 12:  # groups of first, last and glyph
        count = struct.unpack_from(">I", font, at + 12)[0]
        for first, last, _ in struct.iter_unpack(">III", font[at + 16 : at + 16 + 12 * count]):
            yield from range(first, last + 1)
    elif form == 4:  # segments: all ends, two bytes, all beginnings; the last segment is a mark of the end
        size = struct.unpack_from(">H", font, at + 6)[0]
        ends = struct.unpack_from(f">{size // 2}H", font, at + 14)
        starts = struct.unpack_from(f">{size // 2}H", font, at + 16 + size)
        for first, last in zip(starts, ends, strict=True):
            yield from range(first, last + (last < 0xFFFF))
