"""Our MJML means what the official compiler says: in Chromium, both make the same picture, pixel for pixel.

Slow, and run by `make soak`: it asks for node, npm and chromium, installs the official compiler once into pytest's
cache, and is skipped, with the reason, where one of them is missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from newsletters.browser.browser import Files, Page, View, chromium, open_browser
from newsletters.compose import compiler, mjml
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import compile_document
from newsletters.compose.mjml_rules import MARK
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.tokens import Kind
from newsletters.toolkit_store.store import shipped_toolkit
from tests.newsletters.browser.page_files import files_in
from tests.newsletters.browser.test_browser import seen

OFFICIAL = "mjml@5.4.1"
WIDTHS = (375, 640)
HEIGHT = 3200
# A step of colour that no eye sees, such as that of a picture's edge which is drawn half a pixel elsewhere.
SAME = 16
# Percent of pixels: mjml-python reckons thirds of a width in 32 bits, so that text in three columns may stand a
# fraction of a pixel elsewhere (0.32 % seen); a line that moved would be ten times as much.
THIRDS = 0.5

COMPILE = """
const mjml = require(process.argv.at(-1) + '/node_modules/mjml');
const run = mjml.default || mjml;
(async () => {
  const sources = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const made = {};
  for (const [name, source] of Object.entries(sources)) {
    const { html, errors } = await run(source, { validationLevel: 'soft', fonts: {} });
    made[name] = { html, errors: errors.map((error) => error.formattedMessage) };
  }
  process.stdout.write(JSON.stringify(made));
})();
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def official(request: pytest.FixtureRequest) -> Path:
    """The folder in which the official compiler is installed."""
    for program, place in (("node", shutil.which("node")), ("npm", shutil.which("npm")), ("chromium", chromium())):
        if not place:
            pytest.skip(f"there is no {program} here")
    folder: Path = request.config.cache.mkdir(OFFICIAL.replace("@", "-"))
    if not (folder / "node_modules" / "mjml").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), OFFICIAL]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if made.returncode:
            pytest.skip(f"npm can't install {OFFICIAL}: {made.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures that the pages show."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def sources(pictures: Path) -> dict[str, tuple[str, str]]:
    """By layout: the MJML that our compiler is given, with pictures in files, and the CSS to be inlined."""
    kit = shipped_toolkit("community-makes-us")
    found: dict[str, tuple[str, str]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for layout in registry().layouts:

            def keep(source: str, css: str, layout: str = layout) -> str:
                found[layout] = (source, css)
                return mjml.compile_mjml(source, css)

            patch.setattr(compiler, "compile_mjml", keep)
            made = compile_document(parse_document(starter(kit, kit.name, layout), "new.md", pictures), kit)
            source, css = found[layout]
            for image in made.email.images:
                (pictures / image.file_name).write_bytes(made.image_contents[image.hash])
                source = source.replace(made.email.mint.write(Kind.IMAGE, image.index), image.file_name)
            found[layout] = (source, css)
    return found


@pytest.fixture(scope="module")
def made(official: Path, sources: dict[str, tuple[str, str]]) -> dict[str, dict[str, str | list[str]]]:
    """By layout, what the official compiler makes of the same MJML, and what it has to say against it."""
    given = {name: MARK.sub("", mjml.guard(source)) for name, (source, _) in sources.items()}
    answer = subprocess.run(
        ["node", "-e", COMPILE, "--", str(official)], input=json.dumps(given), capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    compiled: dict[str, dict[str, str | list[str]]] = json.loads(answer.stdout)
    return compiled


def test_the_official_compiler_has_nothing_against_our_layouts(made: Mapping[str, Mapping[str, object]]) -> None:
    assert {name: page["errors"] for name, page in made.items() if page["errors"]} == {}


def test_our_layouts_look_as_the_official_compiler_makes_them(
    made: Mapping[str, Mapping[str, str]], sources: Mapping[str, tuple[str, str]], pictures: Path
) -> None:
    ours = {name: mjml.compile_mjml(source, css) for name, (source, css) in sources.items()}
    theirs = {name: mjml.inlined(page["html"], sources[name][1]) for name, page in made.items()}
    one, two = (photographed(pages, files_in(pictures)) for pages in (ours, theirs))
    differing = {place: share for place in one if (share := differs(one[place], two[place])) > THIRDS}
    assert differing == {}


def photographed(pages: Mapping[str, str], files: Files) -> dict[tuple[str, int], Image.Image]:
    """Each page at each width, as Chromium shows it."""
    with open_browser() as browser:
        return {
            (name, width): seen(browser.picture(Page(page, files), View(width, HEIGHT)))
            for name, page in pages.items()
            for width in WIDTHS
        }


def differs(one: Image.Image, two: Image.Image) -> float:
    """The share of pixels that differ visibly, in percent."""
    channels = ImageChops.difference(one, two).split()
    worst = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    counts = worst.histogram()
    return round(100 * sum(counts[SAME + 1 :]) / sum(counts), 4)
