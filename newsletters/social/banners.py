"""Banners and a badge for the websites of member organisations, in a language: as PNG, twice as fine, and as SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from daisychain.cache import Cache
from daisychain.text_direction import direction_of
from newsletters.compose.compose import phrases
from newsletters.packs.logos import plate_for
from newsletters.social.glyphs import refuse_boxes
from newsletters.social.logo_line import drawn_logo, fitted_into
from newsletters.social.shapes import Box, mirrored
from newsletters.social.social_picture import DrawnPicture, cut_to, line_edges
from newsletters.social.typesetting import typeset
from newsletters.toolkit_store.showcase import HERO
from newsletters.toolkits.toolkit import Toolkit

# Of each file name's ending: how many pixels are drawn for one of the page.
FORMS = {"png": 1, "2x.png": 2, "svg": 2}


@dataclass(frozen=True)
class Banner:
    """A banner's size, and where things are in it; what it lacks has no box."""

    key: str
    name: str
    width: int
    height: int
    ground: Box
    words: Box
    largest: int
    logo: Box | None = None
    photo: Box | None = None
    button: Box | None = None

    def facing(self, direction: str) -> Banner:
        """Return the banner for words in that direction; from right to left it is mirrored."""
        if direction == "ltr":
            return self
        places = ("ground", "words", "logo", "photo", "button")
        boxes: dict[str, Any] = {
            name: mirrored(box, self.width) for name in places if (box := getattr(self, name)) is not None
        }
        return replace(self, **boxes)


BANNERS: Mapping[str, Banner] = {
    banner.key: banner
    for banner in (
        Banner("badge", "Badge", 300, 100, (0, 0, 300, 100), (120, 14, 162, 72), 22, logo=(20, 20, 84, 60)),
        Banner(
            "leaderboard", "Wide banner", 728, 90, (186, 0, 542, 90), (206, 10, 330, 70), 32,
            photo=(0, 0, 186, 90), button=(556, 23, 152, 44),
        ),
        Banner(
            "rectangle", "Square banner", 300, 250, (0, 112, 300, 138), (18, 122, 264, 68), 30,
            photo=(0, 0, 300, 112), button=(18, 196, 264, 40),
        ),
    )
}  # fmt: skip

_Layer = tuple[Image.Image, Box]
_MADE: Cache[DrawnPicture] = Cache(64)


def banner_alt(toolkit: Toolkit, key: str, language: str) -> str:
    """Return the words of a banner, which are its alt text."""
    words = phrases(language)
    if BANNERS[key].button:
        return f"{toolkit.campaign}: {words['find_out_more']}"
    return words["we_support"].format(campaign=toolkit.campaign)


def drawn_banner(toolkit: Toolkit, key: str, language: str, form: str) -> DrawnPicture:
    """Return a banner in one of FORMS, drawn once; raises InputError for words that can't be drawn."""
    return _MADE.get((toolkit.content_hash, key, language, form), lambda: _draw(toolkit, BANNERS[key], language, form))


def _draw(toolkit: Toolkit, banner: Banner, language: str, form: str) -> DrawnPicture:
    brand, scale, banner = toolkit.brand, FORMS[form], banner.facing(direction_of(language))
    words = toolkit.campaign if banner.button else banner_alt(toolkit, banner.key, language)
    more = phrases(language)["find_out_more"]
    refuse_boxes(words + more)
    photo, logo = (toolkit.images.get(HERO) if banner.photo else None), (brand.logo if banner.logo else None)
    ground, button = brand.colours["primary" if banner.button else "surface"], brand.colours["accent"]
    whole = (0, 0, banner.width, banner.height)
    values = {
        "width": banner.width, "height": banner.height, "language": language.split("-")[0],
        "direction": direction_of(language), "box": banner.ground if photo or logo else whole, "ground": ground,
        "framed": not banner.button, "line": brand.colours["primary"], "words": words, "largest": banner.largest,
        "ink": brand.text_on(ground), "words-box": banner.words if photo or logo else _without(banner),
        "button": banner.button, "more": more, "button-ground": button, "button-ink": brand.text_on(button),
        "plate": plate_for(logo, ground) if logo else "", "logo-box": banner.logo, **line_edges(words + more),
    }  # fmt: skip
    overlay = typeset("banner", values, scale=scale, format_="svg" if form == "svg" else "png")
    below = [(cut_to(photo, _times(banner.photo, scale)), banner.photo)] if photo and banner.photo else []
    above = []
    if logo and banner.logo:
        box = fitted_into(logo, banner.logo)
        above = [(drawn_logo(logo, box[2] * scale, box[3] * scale), box)]
    if form == "svg":
        return DrawnPicture(_svg(overlay.decode(), banner, below, above), "image/svg+xml")
    canvas = Image.new("RGBA", (banner.width * scale, banner.height * scale))
    with Image.open(io.BytesIO(overlay)) as opened:
        for picture, box in [*below, (opened, whole), *above]:
            canvas.alpha_composite(picture.convert("RGBA"), (box[0] * scale, box[1] * scale))
    return DrawnPicture(_png(canvas), "image/png")


def _without(banner: Banner) -> Box:
    """Return the box of the words in a banner without photo or logo: on from where that would begin."""
    x, y, width, height = banner.words
    left, top, *_ = banner.photo or banner.logo or banner.words
    return (min(x, left + 18), min(y, top + 14), width + max(0, x - left - 18), height + max(0, y - top - 14))


def _times(box: Box, scale: int) -> Box:
    return (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _svg(
    overlay: str, banner: Banner, below: list[tuple[Image.Image, Box]], above: list[tuple[Image.Image, Box]]
) -> bytes:
    """Return the overlay with its pictures inside, in pixels instead of points."""
    start = overlay.index(">", overlay.index("<svg")) + 1
    end = overlay.rindex("</svg>")
    width, height = banner.width, banner.height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    )
    return "".join((head, *map(_embedded, below), overlay[start:end], *map(_embedded, above), "</svg>")).encode()


def _embedded(layer: _Layer) -> str:
    picture, (x, y, width, height) = layer
    content = base64.b64encode(_png(picture)).decode()
    return f'<image x="{x}" y="{y}" width="{width}" height="{height}" href="data:image/png;base64,{content}"/>'


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
