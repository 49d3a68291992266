"""Images: the bytes decide what a picture is, and nothing is decoded that would fill the memory."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.tables import StoredImage
from newsletters.toolkits.images import MAX_BYTES, image_path, keep_images, measure, read_image
from tests.newsletters.sample_toolkits import picture


@pytest.mark.parametrize(
    ("format_", "media_type", "ending"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("GIF", "image/gif", "gif"),
        ("WEBP", "image/webp", "webp"),
    ],
)
def test_the_content_decides_the_type(format_: str, media_type: str, ending: str) -> None:
    content = picture(30, 20, format_)
    image = measure(content, "misnamed.bmp", alt="Green.")
    assert (image.media_type, image.width, image.height, image.alt) == (media_type, 30, 20, "Green.")
    assert image.hash == hashlib.sha256(content).hexdigest()
    assert image.path == image_path(image.hash, media_type) == f"/i/{image.hash}.{ending}"


def test_a_photo_taken_on_its_side_is_measured_as_it_is_shown() -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(file, "JPEG", exif=exif)
    assert (measure(file.getvalue(), "photo").width, measure(file.getvalue(), "photo").height) == (20, 30)


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces its size and holds no pixels."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a whole PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a whole PNG, JPEG, GIF or WebP but an SVG"),
        (picture(600, 400)[:-200], "not a whole PNG"),
        (picture(30, 20, "JPEG")[:300], "not a whole PNG"),
        (picture(30, 20, "BMP"), "not a whole PNG"),
        (png_header(9_000, 10), "9000 × 10 pixels"),
        (png_header(8_000, 8_000), "8000 × 8000 pixels"),
        (png_header(60_000, 60_000), "too large"),
        (b"\0" * (MAX_BYTES + 1), "too large: 5,242,881 bytes"),
    ],
    ids=["empty", "svg", "cut png", "cut jpeg", "bmp", "wide", "many pixels", "bomb", "heavy"],
)
def test_what_is_no_usable_picture_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=r"toolkit\.yml:7: The image 'tent'") as caught:
        measure(content, "tent", file="toolkit.yml", line=7)
    assert words in caught.value.message


def test_the_same_content_is_kept_once(database: Database) -> None:
    one, two = measure(picture(), "one"), measure(picture(), "two")
    with database.engine.begin() as connection:
        keep_images(connection, [one, two, measure(picture(5, 5), "other")])
        keep_images(connection, [two])
        keep_images(connection, [])
        assert connection.execute(select(func.count()).select_from(StoredImage)).scalar_one() == 2
        kept = connection.execute(select(StoredImage.content).where(StoredImage.hash == one.hash)).scalar_one()
    assert kept == one.content


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../secret.png", "is outside the folder of brand.yml"), ("a\0b.png", "There is no image"),
        ("tend.png", "There is no image 'tend.png'"), ("link.png", "is outside the folder"), ("big.png", "too large"),
    ],
)  # fmt: skip
def test_an_image_is_read_only_from_the_folder_that_names_it(tmp_path: Path, path: str, says: str) -> None:
    folder = tmp_path / "kit"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(picture())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "tent.png").write_bytes(picture())
    (folder / "big.png").write_bytes(b"\0" * (MAX_BYTES + 1))
    assert read_image(folder, "tent.png", "tent", alt="A tent", file="brand.yml", line=3).alt == "A tent"
    with pytest.raises(InputError, match=says) as error:
        read_image(folder, path, "tent", file="brand.yml", line=3)
    assert error.value.place == "brand.yml:3"
