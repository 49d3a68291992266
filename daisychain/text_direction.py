"""The direction in which a language is written, as the attribute `dir` has it."""

from __future__ import annotations

_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "syr", "ug", "ur", "yi"})


def direction_of(code: str) -> str:
    """Return ltr or rtl, the direction in which a language is written."""
    return "rtl" if code.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"
