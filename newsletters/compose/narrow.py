"""Fit tables and figures into phones: 320 px, in Arial and in wider fonts, without a break inside an amount or word.

Mail programs choose the font, and the mail can't ask which; so widths are reckoned: Arial's, and a fifth more for
Verdana and similar fonts. A table that is too wide is shown row by row on phones.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from newsletters.compose.theme import COLUMN, GUTTER, Figures
from newsletters.tokens import STILL, Mint

PHONE = 320
# Longer words may break anywhere, as they would not fit on a phone by themselves.
LONGEST_WORD = 16

# Widths of Arial's characters in thousandths of its size, by groups; any other is as wide as a figure.
_WIDTHS = {
    **dict.fromkeys("ijl|'", 222), **dict.fromkeys("ftI.,:;/!()[] \u00a0-", 278), **dict.fromkeys("r", 333),
    **dict.fromkeys("ckszvxyJ", 500), **dict.fromkeys("FTZL", 611), **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("CDHNRUw", 722), **dict.fromkeys("GOQ", 778), **dict.fromkeys("mM%", 860), "W": 944, "@": 1015,
}  # fmt: skip
_OTHER = 556
_WIDER, _BOLD = 1.18, 1.09

_TABLE = re.compile(r"<table\b[^>]*>(?:(?!<table\b).)*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"(<t[dh]\b[^>]*>)(.*?)(</t[dh]>)", re.DOTALL)
_TAG = re.compile(r"(<[^>]*>)")
_CONDITION = re.compile(r"d[0-9a-f]{8}[BOE]\d+z")
_TOKEN = Mint(STILL).pattern().pattern.replace(STILL, "[0-9a-f]{8}")
# Spaces inside an amount, at which lines must not break: 1 200, 50 €, £ 5.
_IN_AMOUNT = re.compile(r"(?<=\d) (?=\d{3}(?!\d)|[€£$%])|(?<=[€£$]) (?=\d)")

# Of cells, here and on phones; see inline.css.j2 and head.css.j2.
_SIZE, _PADDING = 17, 12
_PHONE_SIZE, _PHONE_PADDING, _PHONE_ROOM = 15, 8, PHONE - 2 * GUTTER


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide `text` is in px, in a wide font; a member's value counts as eight figures."""
    shown = re.sub(_TOKEN, lambda found: "" if _CONDITION.fullmatch(found[0]) else "00000000", text)
    return sum(_WIDTHS.get(sign, _OTHER) for sign in shown) * size / 1000 * _WIDER * (_BOLD if bold else 1)


def widest_word(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of the widest word of `text` that must not break."""
    words = re.split(r"[ \t\r\n]+|(?<=[-–/])(?=\D)", text)
    return max((width_of(word, size, bold=bold) for word in words if len(word) <= LONGEST_WORD), default=0)


def unbroken(text: str) -> str:
    """Return `text` with its amounts held together."""
    return _IN_AMOUNT.sub("\u00a0", text)


def breakable(escaped: str) -> str:
    """Return HTML in which words that are too long for a phone may break, inside tables too."""

    def long(found: re.Match[str]) -> str:
        return found[0] if _CONDITION.search(found[0]) else f'<span style="word-break:break-word">{found[0]}</span>'

    pieces = _TAG.split(escaped)
    pieces[::2] = [re.sub(rf"[^\s]{{{LONGEST_WORD + 1},}}", long, unbroken(piece)) for piece in pieces[::2]]
    return "".join(pieces)


def fitted_tables(html: str) -> str:
    """Return `html` with its tables made ready for phones; one that holds another is left as it is."""
    return _TABLE.sub(lambda table: _fitted_table(table[0]), html) if "<table" in html else html


def _fitted_table(table: str) -> str:
    rows = [_CELL.findall(row) for row in _ROW.findall(table)]
    names = [_words(inside) for _, inside, _ in rows[0]] if rows and _heads(rows[0]) else []
    tight = _needed(rows, _SIZE, _PADDING) > COLUMN
    by_rows = _needed(rows, _PHONE_SIZE, _PHONE_PADDING) > _PHONE_ROOM

    def row(found: re.Match[str]) -> str:
        if _heads(_CELL.findall(found[0])):
            return _CELL.sub(_cell, found[0]).replace("<tr", '<tr class="heads"', 1)
        labels = iter(names if by_rows else ())
        return _CELL.sub(lambda cell: _cell(cell, next(labels, "")), found[0])

    classes = " ".join(name for name, given in (("tight", tight), ("rows", by_rows)) if given)
    written = _ROW.sub(row, table)
    return written.replace("<table", f'<table class="{classes}"', 1) if classes else written


def _heads(cells: Sequence[tuple[str, str, str]]) -> bool:
    return bool(cells) and all(opening.startswith("<th") for opening, _, _ in cells)


def _cell(cell: re.Match[str], name: str = "") -> str:
    """Return a cell, before it the `name` of its column, which only phones show."""
    named = name and cell[2].strip()
    label = f'<span class="label" style="display:none;mso-hide:all">{name}: </span>' if named else ""
    return cell[1] + label + breakable(cell[2]) + cell[3]


def _needed(rows: Iterable[Sequence[tuple[str, str, str]]], size: int, padding: int) -> float:
    """Return how wide a table must at least be, in px."""
    columns: list[float] = []
    for row in rows:
        found = [
            widest_word(_plain(inside), size, bold=opening.startswith("<th")) + padding for opening, inside, _ in row
        ]
        columns = [max(pair) for pair in zip_longest(columns, found, fillvalue=0.0)]
    return sum(columns)


def _plain(cell: str) -> str:
    return unbroken(htmllib.unescape(_TAG.sub(" ", cell)))


def _words(cell: str) -> str:
    return " ".join(_TAG.sub(" ", cell).split()).rstrip(":")


def figures(shown: Sequence[tuple[str, str]]) -> Figures:
    """Return the largest size in which these figures, each with its label, fit beside each other."""
    count = min(3, max(1, len(shown)))
    wide, narrow = 560 / count - 12, (PHONE - 40) / count - 12

    def largest(sizes: Sequence[int], room: float) -> int:
        fits = (size for size in sizes if all(widest_word(unbroken(f), size, bold=True) <= room for f, _ in shown))
        return next(fits, 0)

    phone = largest((28, 24, 20), narrow)
    stacked = not phone or any(widest_word(label, 15) > narrow for _, label in shown)
    if stacked:
        phone = largest((28, 24, 20), PHONE - 52) or 20
    return Figures(largest((40, 34, 28, 24), wide) or 20, phone, stacked)
