"""Previews: files that show a newsletter as its readers would get it, and one page that shows them all."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from newsletters.browser import axe
from newsletters.browser.browser import Page
from newsletters.checks import Finding, check_languages
from newsletters.compose.languages import compile_languages
from newsletters.preview.preview import Previewed, Reader, write_preview
from newsletters.toolkits.toolkit import load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.browser.page_files import files_in
from tests.newsletters.browser.test_browser import needs_chromium, seen
from tests.newsletters.compiling import SHEET
from tests.newsletters.crowd import Crowd

MAY = """\
---
toolkit: spring-fair
subject: "{{ member.first_name | default('Hello') }}, come to the <fair>"
preheader: It is on Saturday
title: May
---
::: image src=tent

Dear {{ member.first_name | default("friend") }},

{% if member.town == "Leeds" %}
The bus leaves from Leeds.
{% else %}
Walk here.
{% endif %}
"""
ARABIC = MAY.replace("toolkit: spring-fair\n", "language: ar\n").replace("Dear", "عزيزي")
PEOPLE = Crowd(
    {"email": "ann@a.example", "first_name": "Ann", "town": "Leeds", "language": "en"},
    {"email": "bo@a.example", "first_name": "Bo-of-the-very-long-name", "town": "", "language": "en"},
    {"email": "amal@a.example", "first_name": "Amal", "town": "", "language": "ar"},
)
WRONG = Finding("outlook-it", "error", "may.md:9", "What is wrong", "Why it matters.", "How to mend it.")


def previewed(folder: Path, *, pictures: bool, reader: Reader, documents: Mapping[str, str]) -> Previewed:
    """A preview of newsletters over the small toolkit, in `folder`/out."""
    folder.mkdir(exist_ok=True)
    for name, text in documents.items():
        (folder / name).write_text(text)
    toolkit = load_files(sample_toolkits.files(SHEET) | {"images/tent.png": sample_toolkits.picture(1200, 400)}, "kit")
    languages = compile_languages(folder / "may.md", lambda name, beside: toolkit, list_fields=frozenset({"town"}))
    findings = [WRONG, *check_languages(languages, reader.people)]
    return write_preview(
        languages, folder / "out", reader, findings, public_url="https://news.a.example",
        pictures=(lambda done, total: None) if pictures else None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a preview with pictures, in two languages, for somebody of a list."""
    folder = tmp_path_factory.mktemp("preview")
    reader = Reader(PEOPLE.sample(), PEOPLE)
    made = previewed(folder, pictures=True, reader=reader, documents={"may.md": MAY, "may.ar.md": ARABIC})
    assert made.why_no_pictures == ""
    return folder / "out"


def words(page: Path) -> str:
    """What a page says, without its tags and style."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.read_text(), flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


@needs_chromium
def test_pictures_are_of_both_screens_light_and_dark_and_without_images(shown: Path) -> None:
    pictures = {path.stem: seen(path.read_bytes()) for path in (shown / "pictures").iterdir()}
    for stem in ("newsletter", "newsletter.ar"):
        for screen, width in (("375", 750), ("640", 640)):
            light, dark, bare = (pictures[f"{stem}-{screen}-{mode}"] for mode in ("light", "dark", "no-images"))
            assert {light.width, dark.width, bare.width} == {width}
            # The ground beside the sheet is the darkest part of a dark mail, and nearly the lightest of a light one.
            assert sum(light.getpixel((4, 4))) > 600 > 200 > sum(dark.getpixel((4, 4)))  # type: ignore[arg-type]
            assert (green(light) > 0.1, green(bare)) == (True, 0)


def green(picture: Image.Image) -> float:
    """The share of a picture that has the colour of the toolkit's tent, as every fourth pixel tells."""
    picture = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.NEAREST)
    found = dict((colour, count) for count, colour in picture.getcolors(1 << 24) or ())  # noqa: C402 - the other way round
    return found.get((0x1D, 0x5C, 0x53), 0) / (picture.width * picture.height)


@needs_chromium
def test_the_page_shows_every_picture_and_loads_nothing_that_is_not_beside_it(shown: Path) -> None:
    page = (shown / "index.html").read_text()
    loaded = re.findall(r'src="([^"]+)"', page)
    assert sorted(set(loaded)) == sorted(f"pictures/{path.name}" for path in (shown / "pictures").iterdir())
    assert all((shown / path).is_file() for path in re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert "<script" not in page
    assert all(re.search(r'\salt="[^"]+"', image) for image in re.findall(r"<img[^>]*>", page))
    for path, width, height in re.findall(r'<img src="([^"]+)" width="(\d+)" height="(\d+)"', page):
        size = seen((shown / path).read_bytes()).size
        scale = 2 if "-375-" in path else 1
        assert size[0] == scale * int(width)
        assert abs(size[1] - scale * int(height)) <= 1


@needs_chromium
def test_the_page_itself_can_be_read_by_everybody_light_and_dark(shown: Path) -> None:
    found = axe.violations(Page((shown / "index.html").read_text(), files_in(shown)))
    assert [(broken.rule, broken.selector, broken.dark) for broken in found] == []


def test_the_page_has_headers_text_checks_variants_and_what_it_can_t_show(tmp_path: Path) -> None:
    reader = Reader(PEOPLE.sample(), PEOPLE)
    previewed(tmp_path, pictures=False, reader=reader, documents={"may.md": MAY, "may.ar.md": ARABIC})
    told = words(tmp_path / "out/index.html")
    for part in (
        "From news <news@a.org>", "Subject Ann, come to the <fair> 23 characters", "Preheader It is on Saturday",
        "To ann@a.example", "List-Unsubscribe <https://news.a.example/…>", "As Ann gets it", "As Amal gets it",
        "Dear Ann, The bus leaves from Leeds.", "error What is wrong Why it matters. How to fix it: How to mend it.",
        "How it looks in Arabic",
        "may.md:9 · outlook-it", "Outlook for Windows is not rendered here.", "1 finding .", "right to left",
    ):  # fmt: skip
        assert part in told
    for stem, opening, parts in (
        ("newsletter", "Dear Ann,", "The bus"),
        ("newsletter.longest", "Dear Bo-of-the-very-long-name,", "The bus"),
        ("newsletter.empty", "Dear friend,", "Walk here"),
        ("newsletter.without", "Dear Ann,", "Walk here"),
        ("newsletter.ar", "عزيزي Amal ,", "Walk here"),
        ("newsletter.ar.with", "عزيزي Amal ,", "The bus"),
    ):
        page = words(tmp_path / f"out/{stem}.html")
        assert (opening in page, parts in page) == (True, True), stem
    # Ann sees every part already.
    assert not (tmp_path / "out/newsletter.with.html").exists()


def test_without_chromium_there_is_all_but_the_pictures_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletters.browser.browser._PROGRAMS", ())
    for name in ("newsletter-375-dark.png", "theirs.png"):
        (tmp_path / "out/pictures").mkdir(parents=True, exist_ok=True)
        (tmp_path / "out/pictures" / name).write_bytes(b"earlier")
    made = previewed(tmp_path, pictures=True, reader=Reader(), documents={"may.md": MAY})
    assert [path.name for path in (tmp_path / "out/pictures").iterdir()] == ["theirs.png"]
    assert made.why_no_pictures.startswith("There is no Chromium here.")
    assert list(made.pictures) == []
    assert all(path.is_file() for path in made.files.values())
    told = words(tmp_path / "out/index.html")
    assert "There are no pictures here. There is no Chromium here." in told
    assert "made up: --list or from: says who really sends" in told
    assert 'sandbox="allow-same-origin" src="newsletter.html"' in (tmp_path / "out/index.html").read_text()
