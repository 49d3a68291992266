"""Brand: what a sheet leaves out is filled in, and what can't be read is refused."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.compose.languages import compile_languages
from newsletters.compose.theme import look_of
from newsletters.documents.yaml_with_lines import read_sheet
from newsletters.toolkits.brand import (
    DEFAULT_COLOURS,
    Brand,
    Footer,
    read_brand,
    read_brand_file,
)
from newsletters.toolkits.contrast import ENOUGH_CONTRAST, contrast, nearest_readable
from newsletters.toolkits.images import measure
from newsletters.toolkits.toolkit import load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.compiling import compiled, merged
from tests.newsletters.sample_toolkits import picture


def brand(text: str) -> Brand:
    logo = measure(picture(), "logo", alt="Fairs")
    return read_brand(read_sheet(text, "brand.yml"), name="Friends", images={"logo": logo})


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_what_wcag_says(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


def test_the_default_colours_can_be_read() -> None:
    for words in ("text", "muted", "link"):
        for ground in ("surface", "background"):
            assert contrast(DEFAULT_COLOURS[words], DEFAULT_COLOURS[ground]) >= ENOUGH_CONTRAST


def test_a_whole_brand_is_read() -> None:
    found = brand(
        "name: Fairs\nlogo: logo\nradius: 4px\nfont: Georgia, serif\n"
        "colours: {primary: '#123', accent: teal, surface: 'rgb(250, 250, 250)'}\n"
        "footer:\n  organisation: Fairs Ltd\n  charity number: 0123456\n"
        "  address: |\n    1 Road\n\n    Town\n"
        "  social: {News: https://fairs.org.uk/news}\n"
    )
    assert found.logo
    assert (found.name, found.logo.name, found.radius, found.font) == ("Fairs", "logo", 4, "Georgia, serif")
    assert [found.colours[key] for key in ("primary", "accent", "surface")] == [
        "#112233",
        "#008080",
        "#fafafa",
    ]
    assert (found.footer.charity_number, found.footer.address) == ("0123456", "1 Road\nTown")
    assert found.footer.social == {"News": "https://fairs.org.uk/news"}


def test_what_was_not_given_follows_what_was() -> None:
    dark = brand("colours: {surface: '#101418', background: '#000000', primary: '#205080'}")
    assert dark.colours["link"] != DEFAULT_COLOURS["link"]
    for words in ("text", "muted", "link"):
        assert (
            min(contrast(dark.colours[words], dark.colours[ground]) for ground in ("surface", "background"))
            >= ENOUGH_CONTRAST
        )


@pytest.mark.parametrize("colour", ["#ffffff", "#f2b632", "#1d5c53", "#808080", "#000000", "#e8836b"])
def test_text_on_any_colour_can_be_read(colour: str) -> None:
    assert contrast(Brand(name="").text_on(colour), colour) >= ENOUGH_CONTRAST


def test_text_too_pale_is_refused_with_the_nearest_shade_that_passes() -> None:
    with pytest.raises(InputError, match=r"brand\.yml:2: .*'text' \(#999999\).* 2\.\d:1") as caught:
        brand("colours:\n  text: '#999999'")
    nearest = nearest_readable("#999999", ["#ffffff", DEFAULT_COLOURS["background"]])
    assert nearest is not None
    assert nearest in caught.value.hint
    assert 0 <= contrast(nearest, DEFAULT_COLOURS["background"]) - ENOUGH_CONTRAST < 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color: red", "Did you mean 'colours'?"),
        ("colours: {primry: red}", "Did you mean 'primary'?"),
        ("colours: {primary: greenish}", "is not a colour"),
        ("colours: {primary: '#11223344'}", "transparency"),
        ("colours:\n  primary:", "'primary' is empty"),
        ("colours: {surface: '#bbbbbb', background: '#444444'}", "No shade of 'text'"),
        ("logo: missing", "not among the images"),
        ("radius: round", "whole number of pixels"),
        (f'radius: "{"1" * 5_000}"', "whole number of pixels"),
        ("font: 'x\" onload=\"y'", "names with commas"),
        ("footer: {adress: here}", "Did you mean 'address'?"),
        ("footer: {social: {News: ftp://fairs.org.uk}}", "no web address"),
    ],
)
def test_a_mistake_is_told(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        brand(text)
    assert words in str(caught.value)
    assert caught.value.line


def test_a_brand_file_finds_its_logos_beside_it_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(picture(30, 10))
    file = tmp_path / "partner.yml"
    file.write_text(
        "name: Partner\nlogo: logo.png\ndark logo: logo.png\nheading font: Georgia, serif\n", encoding="utf-8"
    )
    found = read_brand_file(file)
    assert found.logo
    assert (found.logo.width, found.logo.height) == (30, 10)
    assert found.dark_logo == found.logo
    assert found.heading_font == "Georgia, serif"
    assert found.footer.organisation == "Partner"
    file.write_text("name: Partner\nlogo: ../logo.png\n", encoding="utf-8")
    with pytest.raises(InputError, match="is outside the folder of") as caught:
        read_brand_file(file)
    assert caught.value.line == 2
    file.write_text("logo: logo.png\n", encoding="utf-8")
    with pytest.raises(InputError, match="'name' is missing"):
        read_brand_file(file)


def test_a_toolkit_may_have_its_brand_in_a_file_of_its_own() -> None:
    files = {**sample_toolkits.files(), "brand.yml": b"name: Fairs\nlogo: images/tent.png\n"}
    kit = load_files(files, "kit")
    assert kit.brand.name == "Fairs"
    assert kit.brand.logo
    assert kit.brand.logo.hash == kit.images["tent"].hash
    assert "brand.yml" in kit.files
    twice = {**files, "toolkit.yml": sample_toolkits.SHEET.encode() + b"brand: {name: Other}\n"}
    with pytest.raises(InputError, match="given twice"):
        load_files(twice, "kit")


@pytest.mark.parametrize("named", [True, False])
def test_a_brand_beside_the_document_takes_the_place_of_the_toolkit_s(named: bool, tmp_path: Path) -> None:
    name = "partner.yml" if named else "brand.yml"
    (tmp_path / name).write_text("name: Partner\ncolours: {primary: '#5b2a86'}\n", encoding="utf-8")
    document = tmp_path / "may.md"
    front = "brand: partner.yml\n" if named else ""
    document.write_text(f"---\nsubject: Hi\ntoolkit: spring-fair\n{front}---\n::: hero Hi\n:::\n", encoding="utf-8")
    compilation = compile_languages(document, lambda name, folder: load_files(sample_toolkits.files(), "kit")).first
    assert compilation.toolkit.brand.name == "Partner"
    assert "#5b2a86" in compilation.email.html
    assert "mailing list of Partner" in compilation.email.text


def test_a_partner_s_mail_shows_both_logos_equally_large_and_both_names() -> None:
    lead = Brand("Coalition", logo=measure(picture(400, 100), "wide", alt="Coalition"))
    own = Brand("Partner", logo=measure(picture(300, 300), "square"), lead=lead, footer=Footer("Partner Ltd"))
    email = compiled("::: hero Hi\n:::", brand=own).email
    logos = [tag for tag in re.findall(r"<img [^>]*>", email.html) if 'class="logo' in tag]
    shown = [(int(re.findall(r'width="(\d+)"', tag)[0]), re.findall(r'alt="([^"]*)"', tag)[0]) for tag in logos]
    assert [alt for _, alt in shown] == ["Partner", "Coalition"]
    square, wide = shown[0][0], shown[1][0]
    assert square * square <= 72 * 72
    assert wide == pytest.approx((9_600 * 4) ** 0.5, abs=1)
    assert "Partner in partnership with Coalition" in email.text
    assert "in partnership with Coalition" in email.html


@pytest.mark.parametrize("opening", ["::: hero Hi\n:::\n\n", ""])
def test_a_partner_s_own_words_stand_after_the_opening_and_are_no_template(opening: str) -> None:
    intro = "From **us**: {{ member.first_name }} and\n{% if x %}\n::: hero No\n:::"
    mail = merged(compiled(f"{opening}First words.", brand=Brand("Partner", intro=intro)), first_name="Ann")
    for part in (mail.html, mail.text):
        assert part.index("{{ member.first_name }} and") < part.index("First words.")
        assert "Ann" not in part
        assert "::: hero No" in part
    assert "<strong>us</strong>" in mail.html
    if opening:
        assert mail.text.index("Hi\n==") < mail.text.index("From")


def test_a_dark_logo_is_shown_on_dark_screens_only() -> None:
    logo, dark = measure(picture(80, 40), "logo"), measure(picture(82, 40), "dark")
    html = compiled("a", brand=Brand("Fairs", logo=logo, dark_logo=dark)).email.html
    assert 'class="logo light-only"' in html
    hidden = next(tag for tag in re.findall(r"<img [^>]*>", html) if 'class="dark-only"' in tag)
    assert re.search(r"display:\s*none", hidden)
    assert re.search(r"mso-hide:\s*all", hidden)
    assert ".dark-only { display: inline-block !important; }" in html


def colours_everywhere() -> Iterator[str]:
    """Colours from all over the wheel, pale and deep."""
    for hue in range(0, 360, 40):
        for lightness in (0.12, 0.35, 0.55, 0.75, 0.95):
            parts = colorsys.hls_to_rgb(hue / 360, lightness, 0.8)
            yield "#" + "".join(f"{round(part * 255):02x}" for part in parts)


@pytest.mark.parametrize("primary", list(colours_everywhere()))
def test_whatever_the_brand_s_colour_all_text_can_be_read_in_light_and_dark(primary: str) -> None:
    for accent in ("#f2b632", "#222222", "#ff0066"):
        look = look_of(brand(f"colours: {{primary: '{primary}', accent: '{accent}'}}"), "ltr", {})
        dark = look.dark
        pairs = [
            *((ink, ground) for ink in (look.text, look.link, look.spark) for ground in (look.surface, look.quiet)),
            *((look.muted, ground) for ground in (look.surface, look.background, look.quiet)),
            *((ink, look.primary) for ink in (look.on_primary, look.on_primary_soft)),
            (look.on_accent, look.accent),
            *(
                (ink, g)
                for ink in (dark["text"], dark["muted"], dark["link"])
                for g in (dark["background"], dark["surface"], dark["quiet"])
            ),
            (dark["on_primary"], dark["primary"]),
            (dark["on_button"], dark["button"]),
        ]
        assert [pair for pair in pairs if contrast(*pair) < ENOUGH_CONTRAST] == []
