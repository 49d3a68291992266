"""Remove hidden data from a picture: the place of a photo, comments, cameras' and programs' notes.

Parts of the file are dropped and no pixel changes. The parts that decide how the picture looks are kept: pixels,
colours, frames, and which side of a photo is up.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable

from PIL import ExifTags, Image

_UPRIGHT = 1
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split()
)  # fmt: skip
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_NOTES = 0x0C  # the flags in VP8X that announce EXIF and XMP
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in pixels, FF stands before 00 or a restart
_JPEG_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})  # APP0 to APP15, and comments
_JPEG_LOOKS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_GIF_FRAME, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B
_GIF_COMMENT, _GIF_PROGRAM = 0xFE, 0xFF
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def without_hidden_data(content: bytes) -> bytes:
    """Return the PNG, JPEG, GIF or WebP without its notes; what is broken, or none of these, as it is."""
    strip: Callable[[bytes], bytes] | None = None
    if content.startswith(_PNG):
        strip = _png
    elif content.startswith(b"\xff\xd8"):
        strip = _jpeg
    elif content.startswith((b"GIF87a", b"GIF89a")):
        strip = _gif
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        strip = _webp
    try:
        return strip(content) if strip else content
    except (IndexError, struct.error):
        return content


def _side_up(content: bytes) -> bytes:
    """Return EXIF data (TIFF) that says only which side is up; empty if the picture is upright."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            turned = picture.getexif().get(ExifTags.Base.Orientation, _UPRIGHT)
    except Exception:  # Pillow's readers raise whatever a broken file makes them trip over
        return b""
    if not isinstance(turned, int) or not _UPRIGHT < turned <= 8:
        return b""
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", ExifTags.Base.Orientation, 3, 1, turned, 0) + b"\0\0\0\0"


def _png(content: bytes) -> bytes:
    kept, at, turned = [_PNG], len(_PNG), False
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind = content[at + 4 : at + 8]
        if kind in _PNG_CHUNKS:
            kept.append(content[at : at + length + 12])
        elif kind == b"eXIf":
            turned = True
        at += length + 12
        if kind == b"IEND":
            break
    else:
        return content  # it is cut off
    if turned and (side := _side_up(content)):
        kept.insert(-1, struct.pack(">I", len(side)) + b"eXIf" + side + struct.pack(">I", zlib.crc32(b"eXIf" + side)))
    return b"".join(kept)


def _jpeg(content: bytes) -> bytes:
    kept, at, turned = [content[:2]], 2, False
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:  # padding
            at += 1
        marker = content[at + 1]
        if content[at] != 0xFF:
            return content
        if marker == _JPEG_END:  # what follows is another picture, with notes of its own
            break
        end = at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        body = content[at + 4 : end]
        if marker == _JPEG_SCAN:
            following = _JPEG_MARKER.search(content, end)
            if following is None:
                return content  # it is cut off
            end = following.start()
        if marker not in _JPEG_NOTES or (marker in _JPEG_LOOKS and body.startswith(_JPEG_LOOKS[marker])):
            kept.append(content[at:end])
        turned = turned or body.startswith(b"Exif\0")
        at = end
    if turned and (side := b"Exif\0\0" + _side_up(content)) != b"Exif\0\0":
        kept.insert(1, b"\xff\xe1" + struct.pack(">H", len(side) + 2) + side)
    return b"".join([*kept, b"\xff\xd9"])


def _webp(content: bytes) -> bytes:
    kept, at, turned = [], 12, False
    size = min(len(content), 8 + int(struct.unpack_from("<I", content, 4)[0]))
    while at < size:
        kind = content[at : at + 4]
        (length,) = struct.unpack_from("<I", content, at + 4)
        end = at + 8 + length + length % 2
        if kind in _WEBP_CHUNKS:
            kept.append(content[at:end])
        turned = turned or kind == b"EXIF"
        at = end
    side = _side_up(content) if turned else b""
    if kept and kept[0].startswith(b"VP8X"):
        flags = kept[0][8] & ~_WEBP_NOTES | (0x08 if side else 0)
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    if side:
        kept.append(b"EXIF" + struct.pack("<I", len(side)) + side)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif(content: bytes) -> bytes:
    at = 13 + _colours(content[10])
    kept = [content[:at]]
    while content[at] != _GIF_END:
        start, noted = at, False
        if content[at] == _GIF_EXTENSION:
            name = content[at + 3 : at + 3 + content[at + 2]]
            noted = content[at + 1] == _GIF_COMMENT or (content[at + 1] == _GIF_PROGRAM and name not in _GIF_LOOPS)
            at += 2
        elif content[at] == _GIF_FRAME:
            at += 11 + _colours(content[at + 9])
        else:
            return content
        while content[at]:  # blocks of data, each after its length
            at += 1 + content[at]
        at += 1
        if not noted:
            kept.append(content[start:at])
    return b"".join([*kept, bytes([_GIF_END])])


def _colours(flags: int) -> int:
    """Return the bytes of the table of colours that `flags` announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
