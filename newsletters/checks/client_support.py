"""Client support: the features that mail programs lack, from `clients.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Feature:
    """Something that HTML or CSS can do, found by a `selector` or else in styles by a pattern.

    `lacking` names the programs that do not know it, `partly` those that know some of it; `effect` says what their
    readers see, and `ours` how our own layouts do without. If it is `graceful`, nobody misses anything.
    """

    what: str
    lacking: tuple[str, ...]
    tested: date
    page: str
    effect: str
    selector: str = ""
    style: re.Pattern[str] | None = None
    partly: tuple[str, ...] = ()
    graceful: bool = False
    ours: str = ""


@cache
def features() -> tuple[Feature, ...]:
    """Return the features, in the order of the file."""
    return tuple(Feature(**_typed(row)) for row in _facts()["features"])


@cache
def formats() -> Mapping[str, tuple[str, ...]]:
    """Return the programs that do not show pictures of a media type; all programs show the other types."""
    return {row["format"]: tuple(row["lacking"]) for row in _facts()["formats"]}


def _facts() -> dict[str, Any]:
    return tomllib.loads(files("newsletters.checks").joinpath("clients.toml").read_text(encoding="utf-8"))


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return {**values, "style": re.compile(row["style"], re.IGNORECASE)} if "style" in row else values
