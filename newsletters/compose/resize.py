"""Resize pictures for their place in the mail, in colours that every mail program shows alike.

A picture is made twice as wide as it is shown, for sharp screens, and no wider. Colours of another profile (phones
write Display P3, cameras Adobe RGB, print shops CMYK) become sRGB: most mail programs take them for that. WebP, which
Outlook for Windows can't show, becomes JPEG or PNG.
"""

from __future__ import annotations

import io
from contextlib import suppress
from functools import lru_cache

from PIL import Image, ImageChops, ImageCms, ImageOps

from newsletters.toolkits.images import ToolkitImage, measure

JPEG_QUALITY = 82
# Lighter than this, a picture of the right size is left as it is: its author has chosen how it was written.
HEAVY = 100 * 1024
# A heavy picture is only changed for a real gain, and a PNG becomes a JPEG only for a large one.
_GAIN, _LARGE_GAIN = 0.9, 0.6
# Colours by which profiles are compared, and by how much two may differ, of 255, before anybody could see it.
_PROBES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 60, 60), (60, 160, 90), (50, 80, 170), (128, 128, 128)]
_SAME = 6


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
        turned = bool(opened.getexif())
        needed = opened.width > width or turned or media_type == "image/webp"
        needed = needed or opened.mode == "CMYK" or _strange(opened.info.get("icc_profile"))
        if not needed and len(content) <= HEAVY:
            return content
        picture = in_srgb(ImageOps.exif_transpose(opened))
    if picture.width > width:
        picture = _narrowed(picture, width)
    return _lightest(picture, content, media_type, needed=needed)


def in_srgb(picture: Image.Image) -> Image.Image:
    """Return `picture` with its colours as sRGB has them, and without a profile."""
    picture.load()
    profile = picture.info.pop("icc_profile", None)
    if _strange(profile):
        clear = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
        with suppress(ImageCms.PyCMSError):  # the profile is of other colours than the picture
            picture = _converted(picture, profile)
            picture.info.pop("icc_profile")
            if clear:
                picture.putalpha(clear)
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


@lru_cache(maxsize=64)
def _strange(profile: bytes | None) -> bool:
    """Return whether `profile` makes other colours than sRGB does; its name says nothing."""
    if not profile:
        return False
    probe = Image.new("RGB", (len(_PROBES), 1))
    probe.putdata(_PROBES)
    try:
        shown = _converted(probe, profile)
    except (OSError, TypeError, ImageCms.PyCMSError):
        return False  # nothing can read it
    differences = ImageChops.difference(shown, _converted(probe, None)).tobytes()
    return max(differences) > _SAME


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return `picture` in sRGB; without a `profile`, as if it had sRGB's."""
    srgb = ImageCms.createProfile("sRGB")
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.ImageCmsProfile(srgb)
    mode = {"GRAY": "L", "CMYK": "CMYK"}.get(given.profile.xcolor_space.strip(), "RGB")
    return ImageCms.profileToProfile(picture.convert(mode), given, srgb, outputMode="RGB") or picture


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
        picture.save(file, format_, optimize=True)
    return file.getvalue()
