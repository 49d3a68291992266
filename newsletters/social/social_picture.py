"""Social pictures: a photo, a headline and logos, in each shape; a pure function of what is on them."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from daisychain.errors import InputError
from daisychain.text_direction import direction_of
from newsletters.compose.resize import in_srgb
from newsletters.social.glyphs import refuse_boxes
from newsletters.social.logo_line import Bearer, PlacedLogo, drawn_logo, placed
from newsletters.social.shapes import Box, Shape
from newsletters.social.typesetting import measured, typeset
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.contrast import contrast, mixed
from newsletters.toolkits.images import ToolkitImage

LARGEST_FILE = 300_000  # bytes; networks take more, phones on a slow line don't
_QUALITIES = (92, 86, 80, 72, 62, 50, 36)
_FINE = 75  # from this quality up, colours are as sharp as light and dark, which letters want
_FEW_COLOURS = 20_000  # of a picture without a photo, which is lighter and sharper as a PNG
_SEEN = 1.6  # the contrast from which a bar stands out from its ground


@dataclass(frozen=True)
class OnPicture:
    """The content of a picture: the words, the photo, whose brand it has, and a partner's name, logo and colour.

    Without a partner the coalition's `site`, such as coalition.example, is in its place.
    """

    headline: str
    kicker: str
    language: str
    photo: ToolkitImage | None
    brand: Brand
    partner: Bearer | None = None
    colour: str = ""
    site: str = ""

    @property
    def alt(self) -> str:
        """The text that is read out in place of the picture."""
        names = [self.brand.name, *([self.partner.name] if self.partner else [])]
        photo = (self.photo.alt.rstrip(".") + ".") if self.photo and self.photo.alt else ""
        words = self.headline if self.headline[-1:] in ".!?…:" else f"{self.headline}."
        return " ".join(filter(None, (words, photo, f"{self.kicker}, {' and '.join(names)}.")))


@dataclass(frozen=True)
class DrawnPicture:
    """A finished picture; its media type is the one in which it is lighter."""

    content: bytes
    media_type: str


def draw(on: OnPicture, shape: Shape) -> DrawnPicture:
    """Return the picture; raises InputError for words that no font here can show, or that are too many to fit."""
    for words in (on.headline, on.kicker, on.brand.name, on.partner.name if on.partner else ""):
        refuse_boxes(words)
    shape, marks, values = _laid_out(on, shape)
    fit = measured("picture", values)
    if not fit["fits"]:
        raise InputError(
            f"The words {on.headline!r} are too many for a picture ({shape.name.lower()}).",
            hint="Give the post a `headline` of at most 90 characters.",
        )
    canvas = Image.new("RGB", (shape.width, shape.height), on.brand.colours["surface"])
    if on.photo:
        canvas.paste(cut_to(on.photo, shape.photo), shape.photo[:2])
    with Image.open(io.BytesIO(typeset("picture", values))) as overlay:
        canvas.paste(overlay, mask=overlay.getchannel("A"))
    for mark in marks:
        if logo := mark.bearer.logo:
            drawn = drawn_logo(logo, *mark.box[2:])
            canvas.paste(drawn, mark.box[:2], drawn.getchannel("A"))
    return _lightest(canvas)


def fit_of(on: OnPicture, shape: Shape) -> dict[str, Any]:
    """Return how the headline came out: its `size`, number of `lines`, and whether the last is one `lone` word."""
    return measured("picture", _laid_out(on, shape)[2])


def _laid_out(on: OnPicture, shape: Shape) -> tuple[Shape, list[PlacedLogo], dict[str, Any]]:
    direction, colours = direction_of(on.language), on.brand.colours
    shape = shape.facing(direction) if on.photo else shape.without_photo().facing(direction)
    other = on.partner or (Bearer(on.site, None, is_site=True) if on.site else None)
    bearers = [Bearer(on.brand.name, on.brand.logo), *([other] if other else [])]
    marks = placed(bearers, shape.foot, colours["surface"], direction, 48 if shape.foot_radius else 72)
    ground = on.colour or colours["primary"]
    ink = on.brand.text_on(ground)
    shade = mixed(ground, "#000000" if ink == "#ffffff" else "#ffffff", 0.14)  # the ink stands out from it even more
    return shape, marks, {
        "width": shape.width, "height": shape.height, "language": on.language.split("-")[0], "direction": direction,
        "panel": shape.panel, "edge": shape.edge, "swell": shape.swell, "ground": ground, "shade": shade,
        "rings": _rings(shape, bool(on.photo)), "words": shape.words, "kicker": on.kicker,
        "headline": " ".join(on.headline.split()), "kicker-size": shape.kicker, "ink": ink,
        "accent": colours["accent"] if contrast(colours["accent"], ground) > _SEEN else ink,
        **line_edges(on.headline), "largest": shape.largest, "smallest": shape.smallest,
        "foot": shape.foot, "foot-radius": shape.foot_radius, "surface": colours["surface"], "text": colours["text"],
        "marks": [mark.values() for mark in marks],
    }  # fmt: skip


def line_edges(words: str) -> dict[str, float]:
    """Return how far a line reaches above and below its base, of the size: more for scripts with marks there."""
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in words if sign.isalpha()}
    return {"above": 0.8, "below": 0.2} if scripts <= {"LATIN", "GREEK", "CYRILLIC"} else {"above": 0.9, "below": 0.4}


def _rings(shape: Shape, photo: bool) -> tuple[tuple[int, int, int], ...]:
    """Return circles (x, y, radius) that enliven a panel: one without a photo, and what a story leaves free."""
    unit = min(shape.width, shape.height)
    if photo:
        return ((unit - unit // 8, shape.height - unit // 12, unit // 4),) if shape.foot_radius else ()
    return (
        (shape.width - unit // 12, unit // 10, unit // 3),
        (unit // 14, shape.height - unit // 3, unit // 5),
        (shape.width - unit // 3, shape.height - unit // 5, unit // 9),
    )


def cut_to(photo: ToolkitImage, box: Box) -> Image.Image:
    """Return the middle of a photo that fills the box."""
    with Image.open(io.BytesIO(photo.content)) as opened:
        picture = in_srgb(ImageOps.exif_transpose(opened)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "#ffffff")
    whole = Image.alpha_composite(ground, picture).convert("RGB")
    return ImageOps.fit(whole, box[2:], Image.Resampling.LANCZOS)


def _lightest(picture: Image.Image) -> DrawnPicture:
    if picture.getcolors(_FEW_COLOURS):
        png = _written(picture, "PNG", optimize=True)
        if len(png) <= LARGEST_FILE:
            return DrawnPicture(png, "image/png")
    for quality in _QUALITIES:
        sharp = 0 if quality > _FINE else 2
        jpeg = _written(picture, "JPEG", quality=quality, subsampling=sharp, optimize=True, progressive=True)
        if len(jpeg) <= LARGEST_FILE:
            break
    return DrawnPicture(jpeg, "image/jpeg")


def _written(picture: Image.Image, format_: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **how)
    return file.getvalue()
