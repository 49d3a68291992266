"""Logo files: what an organisation has as its logo, made into a picture of a size that can be worked with.

A large or turned picture is made smaller and upright, and a drawing (SVG) becomes a PNG. Sizes are looked at before
anything is decoded, and one large file at a time is unfolded: 40 megapixels take 160 MB of memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from PIL import ExifTags, Image, ImageOps

from daisychain.cache import Busy
from daisychain.errors import InputError
from newsletters.compose.resize import in_srgb
from newsletters.logo_files.svg_logo import is_svg, svg_as_png
from newsletters.toolkits.images import MAX_BYTES, ToolkitImage, measure

LARGEST_LOGO = 16 * 1024**2  # bytes
MOST_PIXELS = 40_000_000
_MOST_SIDE = 30_000  # pixels
# Logos are shown 230 px wide at most. A larger picture than this is made smaller before its margins are looked for.
_WORKABLE = 4_000_000
_WORKED = 2_000
_IF_HEAVY = 1_000  # for a photo, which takes megabytes as a PNG
_PRINT = "CMYK"
_DEEP = ("I;16", "I")  # 65,536 greys, which Pillow cuts off at white instead of making them 256
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_PIXELS = f"at most {MOST_PIXELS // 1_000_000} million pixels are allowed"
_LONGEST_WAIT = 10.0  # seconds
_UNFOLDING = Lock()


@dataclass(frozen=True)
class LogoFile:
    """A logo's picture; `printed` if its file has colours for print (CMYK)."""

    image: ToolkitImage
    printed: bool = False


def read_logo_file(
    content: bytes, name: str, *, alt: str = "", file: Path | str | None = None, line: int | None = None
) -> LogoFile:
    """Return the logo in `content`, named `name`; raises InputError, with `file` and `line`, if it can't be used.

    Raises Busy if other large files are being read for too long.
    """
    try:
        if len(content) > LARGEST_LOGO:
            raise InputError(f"The logo is too large: {LARGEST_LOGO // 1024**2} MB are allowed.")
        if is_svg(content):
            with _turn():
                content = svg_as_png(content)
        content, printed = _workable(content)
    except InputError as error:
        raise InputError(error.message, hint=error.hint, file=file, line=line) from None
    return LogoFile(measure(content, name, alt=alt, file=file, line=line), printed)


def _workable(content: bytes) -> tuple[bytes, bool]:
    """Return the picture upright and of a workable size, and whether its colours are for print."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            printed, pixels = opened.mode == _PRINT, opened.width * opened.height
            if pixels > MOST_PIXELS or max(opened.size) > _MOST_SIDE:
                raise InputError(f"The logo is too large: {opened.width} × {opened.height} pixels, and {_PIXELS}.")
            turned = opened.getexif().get(ExifTags.Base.Orientation, 1) != 1
            workable = pixels <= _WORKABLE and len(content) <= MAX_BYTES and opened.mode not in _DEEP
            if workable and not turned:
                return content, printed
            return _smaller(opened), printed
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"The logo is too large: {_PIXELS}.") from None
    except (InputError, Busy):
        raise
    except Exception:  # Pillow's readers raise whatever a broken file makes them trip over
        raise InputError(
            "The logo is not a whole PNG, JPEG, GIF, WebP or SVG.",
            hint="Open it in the program it was made with, and export it as a PNG.",
        ) from None


def _smaller(opened: Image.Image) -> bytes:
    with _turn():
        opened.draft(opened.mode, (_WORKED, _WORKED))  # a JPEG is unfolded in part only
        if opened.mode in _DEEP:
            opened = opened.convert("I").point(lambda grey: grey / 256).convert("L")
        if opened.mode == "P":
            opened = opened.convert("RGBA")
        opened.thumbnail((_WORKED, _WORKED), Image.Resampling.LANCZOS, reducing_gap=2)
        upright = ImageOps.exif_transpose(opened)
        if upright.mode not in ("RGB", "RGBA", "L", "LA", _PRINT):
            upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        file = io.BytesIO()
        in_srgb(upright).save(file, "PNG")
        if file.tell() > MAX_BYTES:
            upright.thumbnail((_IF_HEAVY, _IF_HEAVY), Image.Resampling.LANCZOS)
            file = io.BytesIO()
            in_srgb(upright).save(file, "PNG")
        return file.getvalue()


@contextmanager
def _turn() -> Iterator[None]:
    if not _UNFOLDING.acquire(timeout=_LONGEST_WAIT):
        raise Busy("Other logos are being read.", hint="Wait for a moment, then try again.")
    try:
        yield
    finally:
        _UNFOLDING.release()
