"""What some mail programs lack, and the facts that it is told by."""

from __future__ import annotations

import pytest

from newsletters.checks.client_support import features, formats
from newsletters.toolkit_store.store import shipped_toolkit
from tests.newsletters.checks.planting import Planted, newsletter, rewritten
from tests.newsletters.compiling import SHEET
from tests.newsletters.golden.cases import compilation

ALONE = SHEET.replace("brand:\n", "brand:\n  font: Brandon Grotesque\n")

PLANTED = [
    Planted(
        "clients-lost", newsletter("a\n\n[Up](#top)"), newsletter("[Up](https://a.org/#top)"), 8,
        "Gmail (iOS), Samsung Email",
    ),
    Planted(
        "clients-plainer", newsletter('a\n\nthe <abbr title="World">WHO</abbr>'), newsletter("<abbr>WHO</abbr>"), 8,
        "Outlook for Windows",
    ),
    Planted("clients-font", newsletter(sheet=ALONE), newsletter(), says="'Brandon Grotesque'"),
]  # fmt: skip


@pytest.mark.parametrize("font", ["Georgia", "Lato, 'Trebuchet MS'", "system-ui, Arial, sans-serif"])
def test_a_font_that_every_machine_has_stands_by_itself(font: str) -> None:
    sheet = SHEET.replace("brand:\n", f'brand:\n  font: "{font}"\n')
    assert newsletter(sheet=sheet)("clients-font") == []


PROGRAMS = {
    "Apple Mail (iOS)", "Apple Mail (macOS)", "Gmail (web)", "Gmail (iOS)", "Gmail (Android)", "Outlook for Windows",
    "Outlook.com", "Outlook for Mac", "Yahoo (web)", "Samsung Email", "Thunderbird",
}  # fmt: skip


@pytest.mark.parametrize(
    ("style", "page"),
    [
        ("display:flex", "css-display-flex"), ("display:inline-grid", "css-display-grid"), ("gap:8px", "css-gap"),
        ("float:left", "css-float"), ("position:absolute", "css-position"), ("color:var(--ink)", "css-variables"),
        ("width:calc(1px + 2px)", "css-unit-calc"), ("font-size:1.2rem", "css-unit-rem"),
        ("background:linear-gradient(red,blue)", "css-linear-gradient"), ("color:rgba(0,0,0,.5)", "css-rgba"),
        ("color:oklch(1 0 0)", "css-modern-color"), ("opacity:0.5", "css-opacity"),
    ],
)  # fmt: skip
def test_styles_that_a_block_brings_in_are_told(style: str, page: str) -> None:
    look = newsletter("Words", change=rewritten("<p>Words</p>", f'<p style="{style}">Words</p>'))
    found = [each for each in look("clients-lost") if page in each.message]
    assert [each.place for each in found] == ["may.md:6"]


def test_each_feature_is_a_whole_fact() -> None:
    for feature in features():
        assert bool(feature.selector) != (feature.style is not None), feature.page
        assert {*feature.lacking, *feature.partly} <= PROGRAMS, feature.page
        assert feature.lacking or feature.partly, feature.page
        assert feature.page.startswith(("html-", "css-"))
        assert feature.effect.endswith(".")
    assert len({feature.page for feature in features()}) == len(features())
    assert formats()["image/webp"] == ("Outlook for Windows",)


def test_what_our_layouts_are_said_to_use_is_used_by_one_of_them() -> None:
    """An exception that nothing needs would only hide what an author brings in."""
    html = "".join(compilation(case).email.html for case in ("language-en", "language-ar", "layout-letter"))
    unused = {
        feature.page for feature in features() if feature.ours and feature.style and not feature.style.search(html)
    }
    # Of no layout yet, of portraits, of code.
    assert unused <= {"css-background-image", "css-object-fit", "css-white-space"}
    assert shipped_toolkit("community-makes-us").brand.font.endswith("sans-serif")
