"""Pictures lose their notes and not a pixel: places, comments, what cameras and programs write."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from newsletters.toolkits.hidden_data import without_hidden_data
from newsletters.toolkits.images import measure
from tests.newsletters.sample_toolkits import picture

SECRET = b"at Ann's, 51.5074 N"
XMP = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="51,30.4N"/>' + SECRET + b"</x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photo(format_: str, *, side: int = 1, moving: bool = False) -> bytes:
    """A picture with all the notes that its format has room for."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = side, SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    stills = [Image.linear_gradient("L").convert("RGB").rotate(turn).resize((60, 40)) for turn in (0, 90, 180)]
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
    options: dict[str, object] = {
        "JPEG": {"exif": exif, "xmp": XMP, "comment": SECRET, "icc_profile": PROFILE, "progressive": True},
        "PNG": {"exif": exif, "pnginfo": notes, "icc_profile": PROFILE},
        "WEBP": {"exif": exif, "xmp": XMP, "icc_profile": PROFILE, "lossless": True},
        "GIF": {"comment": SECRET},
    }[format_]
    if moving:
        options = {**options, "save_all": True, "append_images": stills[1:], "loop": 3}  # type: ignore[dict-item]
    file = io.BytesIO()
    stills[0].save(file, format_, **options)  # type: ignore[arg-type]
    return file.getvalue()


def frames(content: bytes) -> list[bytes]:
    """The pixels of each frame."""
    found = []
    with Image.open(io.BytesIO(content)) as opened:
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            found.append(opened.convert("RGBA").tobytes())
    return found


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_notes_go_and_pixels_stay(format_: str, moving: bool) -> None:
    given = photo(format_, moving=moving and format_ != "JPEG")
    assert SECRET in given
    kept = without_hidden_data(given)
    assert frames(kept) == frames(given)
    for note in (SECRET, b"GPSLatitude", b"XMP", b"Exif", b"EXIF", b"eXIf", b"tEXt"):
        assert note not in kept
    assert without_hidden_data(kept) == kept
    with Image.open(io.BytesIO(kept)) as picture_:
        assert not picture_.getexif()
        assert format_ == "GIF" or picture_.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("side", range(2, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_photo_taken_on_its_side_is_still_turned(format_: str, side: int) -> None:
    given = photo(format_, side=side)
    kept = without_hidden_data(given)
    assert SECRET not in kept
    with Image.open(io.BytesIO(kept)) as picture_:
        assert dict(picture_.getexif()) == {0x0112: side}
    found = measure(given, "photo")
    assert (found.width, found.height) == ((40, 60) if side > 4 else (60, 40))
    assert SECRET not in found.content


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_follows_a_picture_is_left_out(format_: str) -> None:
    plain = picture(30, 20, format_)
    assert without_hidden_data(plain + b"MPO" + photo("JPEG")) == without_hidden_data(plain)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_broken_picture_ends_no_compile(format_: str) -> None:
    whole = photo(format_)
    for length in range(0, len(whole), max(1, len(whole) // 150)):
        without_hidden_data(whole[:length])


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_without_notes_is_left_as_it_is(format_: str) -> None:
    plain = picture(30, 20, format_)
    assert without_hidden_data(plain) == plain


def test_padding_before_a_part_of_a_photo_hides_nothing() -> None:
    given = photo("JPEG")
    at = given.index(b"\xff\xe1")
    assert without_hidden_data(given[:at] + b"\xff\xff" + given[at:]) == without_hidden_data(given)


def test_a_picture_that_was_kept_before_keeps_its_address() -> None:
    given = photo("JPEG")
    kept = {hashlib.sha256(given).hexdigest(): ("image/jpeg", 60, 40)}
    assert measure(given, "photo", known=kept).hash in kept
    assert measure(given, "photo").hash not in kept
