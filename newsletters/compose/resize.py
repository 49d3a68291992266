"""Resize pictures to where they are shown, and remove hidden data that could identify anybody.

A picture is made twice as wide as it is shown, for sharp screens, and no wider; photographs lose their EXIF data,
where phones write the place; WebP, which Outlook for Windows can't show, becomes JPEG or PNG.
"""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageOps

from newsletters.toolkits.images import ToolkitImage, measure

JPEG_QUALITY = 82
# Lighter than this, a picture of the right size is left as it is: its author has chosen how it was written.
HEAVY = 100 * 1024
# A heavy picture is only changed for a real gain, and a PNG becomes a JPEG only for a large one.
_GAIN, _LARGE_GAIN = 0.9, 0.6


@lru_cache(maxsize=256)  # a thousand packs show the same pictures
def fitted(image: ToolkitImage, width: int) -> ToolkitImage:
    """Return `image` at most `width` px wide, as light as possible without looking worse; it may be `image` itself."""
    content = _fitted(image.content, image.media_type, width)
    if content is image.content:
        return image
    return measure(content, image.name, alt=image.alt)


def _fitted(content: bytes, media_type: str, width: int) -> bytes:
    with Image.open(io.BytesIO(content)) as opened:
        if getattr(opened, "is_animated", False) and media_type != "image/jpeg":
            return content
        telling = bool(opened.getexif())
        needed = opened.width > width or telling or media_type == "image/webp"
        if not needed and len(content) <= HEAVY:
            return content
        picture = ImageOps.exif_transpose(opened)
        picture.load()
    if picture.width > width:
        picture = _narrowed(picture, width)
    return _lightest(picture, content, media_type, needed=needed)


def _narrowed(picture: Image.Image, width: int) -> Image.Image:
    if picture.mode in ("P", "1", "LA", "PA"):  # palettes can't be blended
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _lightest(picture: Image.Image, content: bytes, media_type: str, *, needed: bool) -> bytes:
    opaque = not picture.has_transparency_data or picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    jpeg = _written(picture.convert("RGB"), "JPEG") if opaque else b""
    if media_type == "image/jpeg":
        return jpeg if needed or len(jpeg) < _GAIN * len(content) else content
    png = _written(picture, "PNG")
    best = png if needed or len(png) < _GAIN * len(content) else content
    return jpeg if jpeg and len(best) > HEAVY and len(jpeg) < _LARGE_GAIN * len(best) else best


def _written(picture: Image.Image, format_: str) -> bytes:
    file = io.BytesIO()
    if format_ == "JPEG":
        picture.save(file, format_, quality=JPEG_QUALITY, optimize=True, progressive=True)
    else:
        picture.save(file, format_, optimize=True, icc_profile=None)
    return file.getvalue()
