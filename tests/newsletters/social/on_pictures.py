"""What goes on the pictures of these tests: photos, logos and words whose pixels can be told from each other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from PIL import Image, ImageChops, ImageColor

from newsletters.social.social_picture import DrawnPicture, OnPicture
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.images import ToolkitImage, measure

SKY = "#7fc4e8"
MAGENTA = (255, 0, 255)

BRAND = Brand("Coalition of Neighbours")

# A word is a line of thought in each script, so that titles of any length can be made of them.
WORDS = {
    code: words.split()
    for code, words in {
        "en": "small acts of kindness make a community stronger together neighbours say hello today",
        "ar": "سلسلة من الأعمال الصغيرة تجعل المجتمع أقوى معا اليوم قل مرحبا لجارك",
        "hi": "छोटे काम बड़ा बदलाव लाते हैं आइए मिलकर शुरू करें पड़ोसी नमस्ते",
        "he": "מעשים קטנים יוצרים קהילה חזקה יותר ביחד היום שכנים",
        "ta": "சிறிய செயல்கள் பெரிய மாற்றத்தை உருவாக்கும் அயலவர் வணக்கம்",
    }.items()
}


@cache
def image(width: int, height: int, colour: str = SKY, format_: str = "PNG") -> ToolkitImage:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, format_)
    return measure(file.getvalue(), "picture", alt="A plain sky.")


def on_picture(headline: str = "Say hello to somebody today", **changes: Any) -> OnPicture:
    """What is on a picture with a photo and the coalition's name, changed as given."""
    on = OnPicture(headline, "Say Hello Week", "en", image(1200, 800), BRAND)
    return replace(on, **changes)


def opened(drawn: DrawnPicture) -> Image.Image:
    """The pixels of a picture."""
    return Image.open(io.BytesIO(drawn.content)).convert("RGB")


def near(picture: Image.Image, colour: str | tuple[int, ...], stray: int = 60) -> tuple[int, int, int, int] | None:
    """The box (left, top, right, bottom) of the pixels of about that colour; None if there are none."""
    wanted = ImageColor.getrgb(colour) if isinstance(colour, str) else colour
    bands = [
        band.point(lambda value, want=want: 255 if abs(value - want) <= stray else 0)
        for band, want in zip(picture.split(), wanted, strict=True)
    ]
    return ImageChops.darker(ImageChops.darker(bands[0], bands[1]), bands[2]).getbbox()


def frequent(picture: Image.Image, box: tuple[int, int, int, int], most: int) -> Iterator[str]:
    """The most frequent colours in a box, as #rrggbb."""
    found = picture.crop(box).getcolors(1 << 24) or []
    for _, colour in sorted(found, reverse=True)[:most]:
        yield "#" + "".join(f"{part:02x}" for part in colour)
