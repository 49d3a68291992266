"""Banners and the badge: words of each language inside their boxes, with and without photo and logo."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from newsletters.social.banners import BANNERS, FORMS, banner_alt, drawn_banner
from newsletters.toolkit_store.store import shipped_toolkit

TOOLKIT = shipped_toolkit("community-makes-us")
LANGUAGES = ("en", "cy", "ar", "hi")


@pytest.mark.parametrize("key", BANNERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_banner_is_drawn_in_each_language(key: str, language: str) -> None:
    drawn = drawn_banner(TOOLKIT, key, language, "png")
    assert Image.open(io.BytesIO(drawn.content)).size == (BANNERS[key].width, BANNERS[key].height)
    assert len(drawn.content) < 80_000


@pytest.mark.parametrize("key", BANNERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_toolkit_without_pictures_has_banners_too(key: str, form: str) -> None:
    bare = replace(TOOLKIT, images={}, brand=replace(TOOLKIT.brand, logo=None), content_hash=f"bare {key} {form}")
    assert drawn_banner(bare, key, "en", form).content


def test_the_svg_holds_everything_and_asks_for_nothing() -> None:
    drawn = drawn_banner(TOOLKIT, "leaderboard", "en", "svg")
    page = LexborHTMLParser(drawn.content.decode())
    svg = page.css_first("svg")
    assert (drawn.media_type, svg.attributes["width"], svg.attributes["height"]) == ("image/svg+xml", "728", "90")
    assert all(each.attributes["href"].startswith("data:image/png") for each in page.css("image"))  # type: ignore[union-attr]
    assert not page.css("script, foreignobject, text")


def test_right_to_left_a_banner_is_mirrored() -> None:
    right, left = (
        Image.open(io.BytesIO(drawn_banner(TOOLKIT, "leaderboard", language, "png").content)).convert("RGB")
        for language in ("ar", "en")
    )
    photo = BANNERS["leaderboard"].photo
    assert photo
    assert right.crop((728 - photo[2], 0, 728, 90)).tobytes() == left.crop((0, 0, photo[2], 90)).tobytes()


def test_the_alt_text_of_a_banner_is_its_words() -> None:
    assert banner_alt(TOOLKIT, "badge", "en") == "We support Community Makes Us"
    assert banner_alt(TOOLKIT, "badge", "cy") == "Rydym yn cefnogi Community Makes Us"
    assert banner_alt(TOOLKIT, "rectangle", "en") == "Community Makes Us: Find out more"
