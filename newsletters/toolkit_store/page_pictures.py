"""Page pictures: a toolkit's images as its public pages show them, no wider than needed and as light as WebP is."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from daisychain.cache import Cache
from newsletters.compose.resize import in_srgb
from newsletters.toolkits.images import ToolkitImage

# A few widths only, so that nobody can have pictures made without end. Phones show two or three pixels for each of CSS.
WIDTHS = (160, 320, 480, 640, 800, 960, 1280)
# As good as a JPEG of quality 82, at half its weight: measured on the shipped toolkit's pictures.
_QUALITY = 80
# A hundred pictures of 40 KB.
_MADE: Cache[bytes] = Cache(100)


def sized_name(image: ToolkitImage, width: int) -> str:
    """Return the file name of `image` at most `width` pixels wide, one of WIDTHS, as pages serve it."""
    return f"{image.hash}-{width}.webp"


def widths_for(image: ToolkitImage, widest: int) -> dict[int, int]:
    """Return the widths up to `widest` to choose from, and how wide `image` really is in each."""
    wide_enough = next((width for width in WIDTHS if width >= image.width), WIDTHS[-1])
    return {width: min(width, image.width) for width in WIDTHS if 320 <= width <= min(widest, wide_enough)} or {
        320: min(320, image.width)
    }


def sized_picture(content: bytes, hash_: str, width: int) -> bytes:
    """Return the picture in `content`, which has this hash, as a WebP at most `width` pixels wide; made once."""
    return _MADE.get((hash_, width), lambda: _sized(content, width))


def _sized(content: bytes, width: int) -> bytes:
    with Image.open(io.BytesIO(content)) as opened:
        picture = in_srgb(ImageOps.exif_transpose(opened))
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    made = io.BytesIO()
    picture.save(made, "WEBP", quality=_QUALITY, method=6)
    return made.getvalue()
