"""The files that `make scripts` builds from frontend/; there may be none, and pages work without them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import cast

import orjson

BUILT = Path(__file__).parent.parent / "templates/static/built"
YEAR = 365 * 24 * 3600


def built_file(name: str) -> str:
    """Return where a built file is below static/, such as "built/desk-7R32XL6S.js"; "" if there is none."""
    manifest = BUILT / "manifest.json"
    try:
        return f"built/{_names(manifest, manifest.stat().st_mtime_ns)[name]}"
    except (OSError, KeyError):
        return ""


def seconds_kept(name: str | None) -> int | None:
    """Return how long browsers may keep a file of static/: a year if its name has a hash of its content."""
    return YEAR if re.fullmatch(r"built/.+-[0-9A-Z]{8}\.js", name or "") else None


@lru_cache(maxsize=1)
def _names(manifest: Path, changed: int) -> dict[str, str]:
    return cast(dict[str, str], orjson.loads(manifest.read_bytes()))
