"""Pictures of a pack's preview, by a real browser: of the whole email, as its own tool sends it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from newsletters.browser.browser import Page, View, open_browser
from tests.newsletters.packs.packing import EVERY_BLOCK, SHIPPED, packed, text

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("chromium")]

SIZES = "[...document.querySelectorAll('iframe')].map(frame => frame.clientWidth)"


@pytest.mark.parametrize("dialect", ["brevo", "outlook"])
def test_the_pictures_show_the_whole_email_as_its_own_tool_sends_it(dialect: str) -> None:
    pack = packed(dialect, EVERY_BLOCK, pictures=True, **SHIPPED)
    page = Page(text(pack, "preview/email.html"), lambda path: pack.files.get(path.removeprefix("../")))
    with open_browser() as browser:
        heights = {
            width: browser.answer(page, "document.documentElement.scrollHeight", View(width=width))
            for width in (680, 375)
        }
    for name, width in (("preview.png", 680), ("preview-phone.png", 375)):
        with Image.open(io.BytesIO(pack.files[name])) as picture:
            assert picture.width == width
            assert picture.height == heights[width]
        assert name in text(pack, "README.txt")


def test_the_preview_shows_the_email_as_wide_as_a_computer_and_as_a_phone() -> None:
    pack = packed("brevo", EVERY_BLOCK, **SHIPPED)
    with open_browser() as browser:
        widths = browser.answer(Page(text(pack, "preview.html"), pack.files.get), SIZES, View(width=1200))
    assert widths == [688, 375]
