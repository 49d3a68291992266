"""Fitting: pictures become as light as they can be for where they are shown."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageCms

from newsletters.compose.resize import HEAVY, fitted
from newsletters.packs.logos import trimmed
from newsletters.toolkits.images import ToolkitImage, measure
from tests.newsletters.checks.test_compose_cases import CASES
from tests.newsletters.compiling import compiled
from tests.newsletters.sample_toolkits import picture


def noisy(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture as hard to compress as a photograph is."""
    small = Image.new(mode, (width // 4, height // 4))
    chance = random.Random(7)
    bands = len(small.getbands())
    small.putdata([tuple(chance.randrange(256) for _ in range(bands)) for _ in range(small.width * small.height)])
    return small.resize((width, height), Image.Resampling.BICUBIC)


def image(made: Image.Image, format_: str, **options: object) -> ToolkitImage:
    file = io.BytesIO()
    made.save(file, format_, **options)
    return measure(file.getvalue(), "a", alt="Alt")


def test_a_picture_that_fits_is_left_as_it_is() -> None:
    small = image(noisy(200, 100), "PNG")
    assert fitted(small, 200) is small


def test_a_picture_is_made_no_wider_than_asked_and_keeps_its_shape_and_words() -> None:
    found = fitted(image(noisy(1600, 800), "JPEG", quality=95), 1072)
    assert (found.width, found.height, found.media_type, found.alt) == (1072, 536, "image/jpeg", "Alt")


def test_a_photograph_saved_as_png_becomes_a_jpeg() -> None:
    png = image(noisy(800, 600), "PNG")
    assert len(png.content) > HEAVY
    found = fitted(png, 1200)
    assert found.media_type == "image/jpeg"
    assert len(found.content) < len(png.content) * 0.6


def test_what_can_be_seen_through_stays_so() -> None:
    found = fitted(image(noisy(800, 400, "RGBA"), "PNG"), 400)
    assert (found.width, found.media_type) == (400, "image/png")
    assert Image.open(io.BytesIO(found.content)).mode == "RGBA"


def test_a_palette_that_is_made_smaller_is_blended() -> None:
    found = fitted(image(noisy(800, 400).quantize(16), "PNG"), 400)
    assert found.width == 400


def test_webp_becomes_what_outlook_can_show() -> None:
    assert fitted(image(noisy(80, 40), "WEBP"), 400).media_type in ("image/png", "image/jpeg")


def test_hidden_data_is_left_out_and_a_photograph_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A phone"
    found = fitted(image(noisy(80, 40), "JPEG", exif=exif), 400)
    assert (found.width, found.height) == (40, 80)
    assert not Image.open(io.BytesIO(found.content)).getexif()


@pytest.mark.parametrize("format_", ["GIF", "WEBP"])
def test_what_moves_is_left_alone(format_: str) -> None:
    frames = [noisy(80, 40), noisy(80, 40).rotate(180)]
    moving = image(frames[0], format_, save_all=True, append_images=frames[1:])
    assert fitted(moving, 40) is moving


@pytest.mark.parametrize(
    ("body", "shown", "kept"),
    [
        ("::: hero Hi image=wide.png\n:::", 600, 1200),
        ("::: image wide.png", 536, 1072),
        ("::: story Hi image=wide.png\n:::", 536, 1072),
        ("::: item Hi image=wide.png", 112, 224),
        ("::: cards\n::: card Hi image=wide.png\n:::\n:::", 256, 512),
        ("![Wide](wide.png)", 536, 1072),
        ("::: partner Us image=tall.png", 24, 48),
        ("::: image small.png", 90, 90),
    ],
)
def test_a_newsletter_keeps_pictures_twice_as_wide_as_it_shows_them(
    body: str, shown: int, kept: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kit")
    for name, size in {"wide": (2000, 800), "tall": (400, 800), "small": (90, 40)}.items():
        (folder / f"{name}.png").write_bytes(picture(*size))
    email = compiled(body, folder=folder).email
    assert [row.width for row in email.images] == [kept]
    assert f'width="{shown}"' in email.html


def profile_of(name: str) -> bytes:
    """A profile of other colours than sRGB's: a camera's (made of the case's picture), Lab, or one nobody can read."""
    if name == "swapped":
        with Image.open(CASES / "green-by-profile.jpg") as photo:
            return bytes(photo.info["icc_profile"])
    return b"no profile"


@pytest.mark.parametrize("width", [40, 400])
@pytest.mark.parametrize(("mode", "format_"), [("RGB", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_colours_of_another_profile_become_srgb(mode: str, format_: str, width: int) -> None:
    red = Image.new("RGB", (80, 40), (204, 0, 0)).convert(mode)
    found = fitted(image(red, format_, icc_profile=profile_of("swapped")), width)
    with Image.open(io.BytesIO(found.content)) as shown:
        red, green, blue = shown.convert("RGB").getpixel((5, 5))
        assert (green > 190, red < 20, blue < 20) == (True, True, True)
        assert "icc_profile" not in shown.info


def test_what_can_be_seen_through_stays_so_in_another_profile() -> None:
    clear = Image.new("RGBA", (80, 40), (204, 0, 0, 0))
    found = fitted(image(clear, "PNG", icc_profile=profile_of("swapped")), 40)
    assert Image.open(io.BytesIO(found.content)).convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"none"])
def test_a_picture_in_srgb_is_left_as_it_is(profile: bytes) -> None:
    small = image(noisy(200, 100), "PNG", icc_profile=profile)
    assert fitted(small, 200) is small


def test_a_picture_for_print_becomes_one_for_screens() -> None:
    found = fitted(image(Image.new("CMYK", (80, 40), (0, 255, 255, 0)), "JPEG"), 400)
    assert Image.open(io.BytesIO(found.content)).mode == "RGB"


def test_a_logo_in_another_profile_keeps_its_colours_when_it_is_trimmed() -> None:
    drawn = Image.new("RGB", (80, 40), "white")
    drawn.paste((204, 0, 0), (20, 10, 60, 30))
    found = trimmed(image(drawn, "PNG", icc_profile=profile_of("swapped")))
    assert Image.open(io.BytesIO(found.content)).convert("RGB").getpixel((5, 5)) == (0, 204, 0)
