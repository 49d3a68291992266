"""Make foreign text harmless to print: control characters can steer a terminal."""

from __future__ import annotations

import re

# Controls but for tabs and ends of lines, and what overrides or isolates the direction of letters (Unicode TR9).
CONTROLS = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]|\\r(?!\\n)")


def printable(text: str) -> str:
    """`text` with a sign that is seen in the place of each that would steer a terminal, or put letters out of order."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
