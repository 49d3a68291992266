"""Remove hidden data from a picture: the place of a photo, comments, cameras' and programs' notes.

Parts of the file are dropped and no pixel changes. The parts that decide how the picture looks are kept: pixels,
colours, frames, and which side of a photo is up.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split())
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04  # flags in VP8X, which announce them
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_NEXT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in pixels, FF is before 00 or a restart
_JPEG_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})  # APP0 to APP15, and comments
_JPEG_KEPT = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_GIF_FRAME, _GIF_EXTENSION, _GIF_END = b",", b"!", b";"
_GIF_KEPT = (b"!\xf9", b"!\x01", b"!\xff\x0bNETSCAPE2.0", b"!\xff\x0bANIMEXTS1.0")  # times, plain text, loops


def without_hidden_data(content: bytes) -> bytes:
    """Return a PNG, JPEG, GIF or WebP without hidden data; a file that is broken, or none of these, as it is."""
    for start, strip in ((_PNG, _png), (b"\xff\xd8", _jpeg), (b"GIF8", _gif), (b"RIFF", _webp)):
        if content.startswith(start):
            try:
                return strip(content)
            except (IndexError, StopIteration, ValueError, struct.error):
                return content
    return content


def _side_up(content: bytes) -> bytes:
    """Return EXIF data (TIFF) that says only which side is up; empty if the picture is upright."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            turned = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow's readers raise whatever a broken file makes them trip over
        return b""
    if turned not in range(2, 9):
        return b""
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", ExifTags.Base.Orientation, 3, 1, turned, 0, 0)


def _chunks(content: bytes, at: int, order: str, tail: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each chunk and all of it: kind and length, either way round, data, and a `tail`."""
    while at < len(content):
        first, second = content[at : at + 4], content[at + 4 : at + 8]
        kind, length = (first, second) if order == "<" else (second, first)
        size = int(struct.unpack(f"{order}I", length)[0])
        end = at + 8 + size + (tail or size % 2)
        yield kind, content[at:end]
        at = end


def _png(content: bytes) -> bytes:
    found: list[tuple[bytes, bytes]] = []
    for chunk in _chunks(content, len(_PNG), ">", 4):
        found.append(chunk)
        if chunk[0] == b"IEND":
            break
    kept = [chunk for kind, chunk in found if kind in _PNG_KEPT]
    if any(kind == b"eXIf" for kind, _ in found) and (side := _side_up(content)):
        kept.insert(1, struct.pack(">I", len(side)) + b"eXIf" + side + struct.pack(">I", zlib.crc32(b"eXIf" + side)))
    return b"".join([_PNG, *kept])


def _webp(content: bytes) -> bytes:
    found = list(_chunks(content[: 8 + struct.unpack_from("<I", content, 4)[0]], 12, "<", 0))
    kept = [chunk for kind, chunk in found if kind in _WEBP_KEPT]
    side = _side_up(content) if any(kind == b"EXIF" for kind, _ in found) else b""
    if kept and kept[0].startswith(b"VP8X"):
        flags = kept[0][8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if side else 0)
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    body = b"WEBP" + b"".join(kept) + (b"EXIF" + struct.pack("<I", len(side)) + side if side else b"")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _jpeg(content: bytes) -> bytes:
    kept, at, turned = [content[:2]], 2, False
    while (marker := content[at + 1]) != _JPEG_END:  # after its end is another picture, with notes of its own
        if content[at] != 0xFF:
            raise ValueError("no marker")
        if marker == 0xFF:  # padding
            at += 1
            continue
        end = at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        body = content[at + 4 : end]
        if marker == _JPEG_SCAN:
            end = next(_JPEG_NEXT.finditer(content, end)).start()
        if marker not in _JPEG_NOTES or (marker in _JPEG_KEPT and body.startswith(_JPEG_KEPT[marker])):
            kept.append(content[at:end])
        turned = turned or body.startswith(b"Exif\0")
        at = end
    if turned and (side := _side_up(content)):
        kept.insert(1, b"\xff\xe1" + struct.pack(">H", len(side) + 8) + b"Exif\0\0" + side)
    return b"".join([*kept, b"\xff\xd9"])


def _gif(content: bytes) -> bytes:
    at = 13 + _colours(content[10])
    kept = [content[:at]]
    while (kind := content[at : at + 1]) != _GIF_END:
        start = at
        if kind not in (_GIF_FRAME, _GIF_EXTENSION):
            raise ValueError("no block")
        at += 2 if kind == _GIF_EXTENSION else 11 + _colours(content[at + 9])
        while content[at]:  # blocks of data, each after its length
            at += 1 + content[at]
        at += 1
        if kind == _GIF_FRAME or content.startswith(_GIF_KEPT, start):
            kept.append(content[start:at])
    return b"".join([*kept, _GIF_END])


def _colours(flags: int) -> int:
    """Return the bytes of the table of colours that `flags` announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
