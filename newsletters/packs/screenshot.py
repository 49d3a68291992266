"""Screenshot: a picture of the email for its README, if Chromium is installed."""

from __future__ import annotations

from daisychain.errors import InputError
from newsletters.browser.browser import BrowserError, Page, View, chromium, open_browser
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.material import Material

_VIEW = View(width=640, height=1600)


def preview_of(material: Material) -> bytes:
    """Return a PNG of the top of the page, 640 px wide; empty without a browser, or if not everybody sees all of it."""
    if not chromium():
        return b""
    contents = material.compilation.image_contents
    files = {f"images/{name}": contents[hash_] for hash_, name in material.names.items()}
    try:
        page = material.write(dialects()["plain"]).html
        with open_browser() as browser:
            return browser.picture(Page(page, files.get), _VIEW)
    except (InputError, BrowserError):
        return b""
