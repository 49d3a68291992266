"""Colours and sizes as a browser would work them out."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from newsletters.checks.appearance import appearances, colour, pixels

SHEET = """
.a p { color: #222222; }
p { color: #111111; }
@media (prefers-color-scheme: dark) { .a p { color: #eeeeee !important; } body { background: #101010 !important } }
@media (max-width: 480px) { p { color: #ff0000 !important; font-size: 2px !important } }
"""


def seen(body: str, *, dark: bool = False) -> tuple[str, str, float, bool]:
    """How the element with the id `x` is seen: ink, ground, size, shown."""
    tree = LexborHTMLParser(f"<html><head><style>{SHEET}</style></head><body>{body}</body></html>")
    found = appearances(tree, dark=dark)[tree.css("#x")[0].mem_id]
    return found.ink, found.ground, round(found.size, 1), found.shown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p id=x>a</p>", ("#111111", "#ffffff", 16, True)),
        ("<div class=a><p id=x>a</p></div>", ("#222222", "#ffffff", 16, True)),
        ("<div class=a><p id=x style='color:#333333'>a</p></div>", ("#333333", "#ffffff", 16, True)),
        ("<div style='color:red;background:#000000 url(a.png)'><b id=x>a</b></div>", ("#ff0000", "#000000", 16, True)),
        ("<table bgcolor='#00ff00'><tr><td id=x>a</td></tr></table>", ("#000000", "#00ff00", 16, True)),
        ("<a id=x href='#'>a</a>", ("#0000ee", "#ffffff", 16, True)),
        ("<div style='font-size:20px'><small id=x>a</small></div>", ("#000000", "#ffffff", 16.7, True)),
        ("<div style='font-size:20px'><i id=x style='font-size:50%'>a</i></div>", ("#000000", "#ffffff", 10, True)),
        ("<div style='display:none'><i id=x>a</i></div>", ("#000000", "#ffffff", 16, False)),
        ("<i id=x style='background-color:transparent;color:rgba(1,2,3,1)'>a</i>", ("#010203", "#ffffff", 16, True)),
    ],
)
def test_styles_cascade_and_are_inherited(body: str, expected: tuple[str, str, float, bool]) -> None:
    assert seen(body) == expected


def test_on_dark_screens_their_rules_win_over_inline_styles() -> None:
    body = "<div class=a><p id=x style='color:#333333'>a</p></div>"
    assert seen(body, dark=True)[:2] == ("#eeeeee", "#101010")


@pytest.mark.parametrize(
    ("value", "hex_"),
    [
        ("#FFF", "#ffffff"),
        ("url(a.png) no-repeat navy", "#000080"),
        ("transparent", ""),
        ("none", ""),
        ("rgb(1,2,3)", "#010203"),
    ],
)
def test_a_colour_is_found_in_a_value(value: str, hex_: str) -> None:
    assert colour(value) == hex_


@pytest.mark.parametrize(
    ("value", "px"), [("12pt", 16), ("1.5em", 30), ("0", 0), ("auto", None), ("", None), ("80%", 16)]
)
def test_lengths_come_out_in_pixels(value: str, px: float | None) -> None:
    assert pixels(value, 20) == px
