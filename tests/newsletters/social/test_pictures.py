"""Social pictures: words that fit, can be read, and logos that keep their distance, in every shape and script."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from daisychain.errors import InputError
from newsletters.social.logo_line import Bearer, placed
from newsletters.social.shapes import SHAPES, Box
from newsletters.social.social_picture import LARGEST_FILE, draw, fit_of
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.contrast import contrast
from newsletters.toolkits.images import measure
from tests.newsletters.social.on_pictures import BRAND, MAGENTA, WORDS, frequent, image, near, on_picture, opened

shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
few = settings(max_examples=4, deadline=None)
some = settings(max_examples=15, deadline=None)

RED = "#c00018"


@st.composite
def titles(draw_: st.DrawFn, language: str) -> str:
    """A title of 10 to 90 characters in the words of a language."""
    length = draw_(st.integers(10, 90))
    words: list[str] = []
    while len(" ".join(words)) < 10:
        words.append(draw_(st.sampled_from(WORDS[language])))
    while len(longer := " ".join([*words, draw_(st.sampled_from(WORDS[language]))])) <= length:
        words = longer.split(" ")
    return " ".join(words)


def inside(inner: tuple[int, int, int, int] | None, box: Box, overhang: int = 0) -> bool:
    """Whether pixels are inside a box, but for how far accents may hang over."""
    if inner is None:
        return False
    x, y, width, height = box
    left, top, right, bottom = inner
    return (
        left >= x - overhang and right <= x + width + overhang and top >= y and bottom <= y + height + overhang
    )  # the bar is above the words, so that nothing hangs over at the top


@shapes
@pytest.mark.parametrize("language", WORDS)
@few
@given(data=st.data())
def test_a_title_of_10_to_90_characters_is_drawn_whole_in_every_script(shape, language, data):
    title = data.draw(titles(language))
    on = on_picture(title, language=language, colour=RED)
    picture = opened(draw(on, shape))
    facing = shape.facing("rtl" if language in ("ar", "he") else "ltr")
    panel = picture.crop((0, 0, shape.width, facing.foot[1]))
    assert inside(near(panel, "#ffffff", 20), facing.words, overhang=4), title
    fit = fit_of(on, shape)
    assert fit["fits"]
    assert fit["words"] == title


# Titles that take more room than most of their length: a script with wide letters, and long words.
WIDEST = (
    "செயல்கள் மாற்றத்தை அயலவர் அயலவர் அயலவர் வணக்கம் மாற்றத்தை சிறிய சிறிய சிறிய செயல்கள்",
    "அயலவர் செயல்கள் செயல்கள் மாற்றத்தை அயலவர் அயலவர் மாற்றத்தை செயல்கள் மாற்றத்தை அயலவர் பெரிய",
)


@shapes
@pytest.mark.parametrize("title", WIDEST)
def test_a_title_of_long_words_in_wide_letters_fits(shape, title):
    assert len(title) <= 90
    assert fit_of(on_picture(title, language="ta"), shape)["fits"]


@shapes
@some
@given(data=st.data())
def test_a_word_is_alone_on_the_last_line_only_if_no_size_from_three_quarters_up_has_company_for_it(shape, data):
    language = data.draw(st.sampled_from(["en", "ar", "hi"]))
    on = on_picture(data.draw(titles(language)), language=language)
    if (fit := fit_of(on, shape))["lone"]:
        least = max(shape.smallest, ceil(fit["size"] * 0.75))
        smaller = (replace(shape, largest=size, smallest=size) for size in range(fit["size"] - 2, least - 1, -2))
        assert all(fit_of(on, each)["lone"] for each in smaller)


def test_a_word_alone_gets_company_at_a_smaller_size():
    on = on_picture("Small acts of kindness make us neighbours")
    assert not any(fit_of(on, shape)["lone"] for shape in SHAPES.values())


@shapes
@few
@given(colour=st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_words_can_be_read_on_the_colour_of_any_partner(shape, colour):
    picture = opened(draw(on_picture(colour=colour, photo=None), shape))
    x, y, width, height = shape.bare
    shown = list(frequent(picture, (x, y, x + width, y + height), 3))
    assert colour in shown
    assert contrast(colour, max(shown, key=lambda each: contrast(each, colour))) >= 4.5


@shapes
@few
@given(colour=st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_the_circles_of_a_picture_without_a_photo_only_help_the_words(shape, colour):
    picture = opened(draw(on_picture(colour=colour, photo=None), shape))
    corner = "#" + "".join(f"{part:02x}" for part in picture.getpixel((shape.width - 5, 5)))
    ink = BRAND.text_on(colour)
    assert contrast(ink, corner) >= contrast(ink, colour) >= 4.5


@shapes
@few
@given(width=st.integers(1, 900), height=st.integers(1, 900), direction=st.sampled_from(["ar", "en"]))
def test_a_logo_is_never_stretched_and_keeps_a_quarter_of_its_height_clear(shape, width, height, direction):
    partner = Bearer("Bees", image(width, height, "#ff00ff"))
    on = on_picture(partner=partner, language=direction)
    picture = opened(draw(on, shape))
    left, top, right, bottom = near(picture, MAGENTA, 8)  # type: ignore[misc]
    across, up = right - left, bottom - top
    assert abs(across - up * width / height) <= max(1, width / height)
    assert abs(up - across * height / width) <= max(1, height / width)
    air = -(-up // 4)
    foot = shape.facing("rtl" if direction == "ar" else "ltr").foot
    assert inside((left - air, top - air, right + air, bottom + air), foot)
    around = picture.crop((left - air, top - air, right + air, bottom + air))
    around.paste(BRAND.colours["surface"], (air, air, air + across, air + up))
    assert len(around.getcolors(1 << 16)) == 1


@some
@given(
    one=st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
    other=st.tuples(st.integers(1, 4000), st.integers(1, 99)),
    shape=st.sampled_from(list(SHAPES.values())), direction=st.sampled_from(["ltr", "rtl"]),
)  # fmt: skip
def test_two_logos_never_come_near_each_other(one, other, shape, direction):
    bearers = [Bearer("A", image(*one, "#102030")), Bearer("B", image(*other, "#302010"))]
    first, second = placed(bearers, shape.facing(direction).foot, "#ffffff", direction, 48)
    if direction == "rtl":
        first, second = second, first
    assert first.box[0] + first.box[2] + first.air <= second.box[0] - second.air


def test_a_white_logo_has_a_dark_plate():
    picture = opened(draw(on_picture(partner=Bearer("Owls", image(300, 200, "#ffffff"))), SHAPES["square"]))
    foot = picture.crop((540, SHAPES["square"].foot[1], 1080, 1080))
    assert near(foot, "#1d2524", 8)


@pytest.mark.parametrize("photo", [image(1200, 800), None], ids=["photo", "bare"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_story_leaves_free_what_apps_cover(photo, language):
    title = " ".join(WORDS[language] * 3)[:90].rstrip()
    on = on_picture(title, photo=photo, language=language, colour=RED, partner=Bearer("B", image(90, 90, "#ff00ff")))
    picture = opened(draw(on, SHAPES["story"]))
    for covered in (picture.crop((0, 0, 1080, 250)), picture.crop((0, 1580, 1080, 1920))):
        assert near(covered, "#ffffff", 20) is None
        assert near(covered, MAGENTA, 20) is None


@shapes
def test_the_photo_is_kept_in_proportion(shape):
    stripes = Image.new("RGB", (1000, 500), "#7fc4e8")
    stripes.paste("#ff00ff", (400, 150, 600, 350))  # a square in the middle
    file = io.BytesIO()
    stripes.save(file, "PNG")
    picture = opened(draw(on_picture(photo=measure(file.getvalue(), "square"), colour=RED), shape))
    left, top, right, bottom = near(picture, "#ff00ff", 20)  # type: ignore[misc]
    assert abs((right - left) - (bottom - top)) <= 2


@shapes
def test_a_busy_photo_is_still_under_300_kilobytes(shape):
    chance = random.Random(7)
    noise = Image.frombytes("RGB", (600, 400), chance.randbytes(600 * 400 * 3)).resize((1800, 1200))
    file = io.BytesIO()
    noise.filter(ImageFilter.GaussianBlur(1)).save(file, "JPEG", quality=95)
    drawn = draw(on_picture(photo=measure(file.getvalue(), "busy")), shape)
    assert drawn.media_type == "image/jpeg"
    assert len(drawn.content) <= LARGEST_FILE


def test_a_picture_of_few_colours_is_a_png():
    assert draw(on_picture(photo=None), SHAPES["square"]).media_type == "image/png"


def test_a_script_without_a_font_is_an_error_that_says_what_to_install():
    with pytest.raises(InputError, match="no font here for '社'") as raised:
        draw(on_picture("社区造就我们，今天"), SHAPES["square"])
    assert "manimgx-fonts-cjk" in raised.value.hint


@pytest.mark.parametrize("title", ["Hello \U00010000 you", "Hello \ue000 you"], ids=["linear b", "private"])
def test_a_sign_that_no_font_has_is_never_drawn_as_a_box(title):
    with pytest.raises(InputError, match="no font here for the sign"):
        draw(on_picture(title), SHAPES["square"])


def test_a_partner_s_name_is_looked_at_too():
    with pytest.raises(InputError, match="no font here for '漢'"):
        draw(on_picture(partner=Bearer("漢字", None)), SHAPES["square"])


@pytest.mark.parametrize("title", ["Say hello 👏 today", "A friend ❤️ — it’s “good”…", "Say\u200b hello\u2067"])
def test_emoji_quotes_and_invisible_signs_can_be_drawn(title):
    assert draw(on_picture(title), SHAPES["wide"]).content


def test_words_that_are_too_many_are_refused_and_not_cut():
    with pytest.raises(InputError, match="too many for a picture"):
        draw(on_picture("Neighbours " * 40), SHAPES["wide"])


@shapes
def test_one_word_that_is_wider_than_the_picture_breaks(shape):
    on = on_picture("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", colour=RED)
    panel = opened(draw(on, shape)).crop((0, 0, shape.width, shape.foot[1]))
    assert inside(near(panel, "#ffffff", 20), shape.words, overhang=4)


def test_words_are_data_and_never_typst():
    on = on_picture('#panic("no") $x^2$ *bold* \\ @ref <fit>')
    assert fit_of(on, SHAPES["square"])["words"] == on.headline


def test_the_alt_text_says_the_words_the_photo_and_who_is_on_it():
    on = on_picture("Say hello", partner=Bearer("Bees of Bath", None))
    assert on.alt == "Say hello. A plain sky. Say Hello Week, Coalition of Neighbours and Bees of Bath."


def test_a_coalition_without_a_logo_is_there_by_name():
    with_name = opened(draw(on_picture(photo=None), SHAPES["square"]))
    without = opened(draw(replace(on_picture(photo=None), brand=Brand("•")), SHAPES["square"]))
    foot = SHAPES["square"].foot
    box = (foot[0], foot[1], foot[0] + foot[2], foot[1] + foot[3])
    assert near(with_name.crop(box), BRAND.colours["text"], 20) != near(without.crop(box), BRAND.colours["text"], 20)
