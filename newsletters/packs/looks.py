"""Looks: a picture of the email for its README, where a Chromium is at hand."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from daisychain.errors import InputError
from newsletters.packs.dialects import dialects
from newsletters.packs.material import Material

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WIDTH, _HEIGHT = 640, 1600
_SECONDS = 60


def chromium() -> str:
    """The browser to take pictures with; empty where there is none."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), "")


def preview_of(material: Material) -> bytes:
    """A PNG of the top of the page, 640 px wide; empty without a browser, or where the page is not for everybody."""
    program = chromium()
    if not program:
        return b""
    try:
        page = material.write(dialects()["plain"]).html
    except InputError:
        return b""
    with tempfile.TemporaryDirectory(prefix="daisychain") as name:
        folder = Path(name)
        (folder / "images").mkdir()
        for hash_, file in material.names.items():
            (folder / "images" / file).write_bytes(material.compilation.image_contents[hash_])
        (folder / "email.html").write_text(page, encoding="utf-8")
        subprocess.run(
            [program, "--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder / 'browser'}",
             f"--window-size={_WIDTH},{_HEIGHT}", f"--screenshot={folder / 'preview.png'}",
             (folder / "email.html").as_uri()],
            check=False, capture_output=True, timeout=_SECONDS,
        )  # fmt: skip
        target = folder / "preview.png"
        return target.read_bytes() if target.is_file() else b""
