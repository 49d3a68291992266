"""Take the pictures of the documentation from a real run of the demo, with Chromium, and make them small with Pillow.

    python docs/pictures/shoot.py           writes docs/pictures/*.png but for those of the desk: see shoot_desk.py

Needs a `chromium` on the path. The pictures are committed; run it again when what they show has changed.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from daisychain.demo.invented_partner import write_partners
from newsletters.browser.browser import Page, View, chromium, open_browser
from newsletters.compose.blocks import registry

OUT = Path(__file__).parent
TALL = 6000


def main() -> None:
    """Run the demo in a folder of its own, and take every picture from it."""
    with tempfile.TemporaryDirectory(prefix="shoot") as folder:
        home = Path(folder, "demo")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAISYCHAIN_")}
        environment["DAISYCHAIN_HOME"] = str(home)
        output = run("demo", "--home", str(home), cwd=folder, environment=environment)
        sys.stdout.write(output[output.rindex("Where to look") :])
        mail = local(home / "preview" / "newsletter.html")
        save(shot(mail, 640), "bulletin-desktop", height=1500)
        save(shot(mail, 375), "bulletin-phone", height=1500)
        save(shot(local(home / "preview" / "index.html"), 1280), "preview-index", height=2300)
        save(side_by_side([started(layout, folder, environment) for layout in registry().layouts]), "layouts")
        with served(home, environment) as url:
            save(shot(online(url, "/toolkits/community-makes-us"), 1100, height=1500), "toolkit-page")
            save(shot(online(url, leaving_path(home)), 640, height=760), "unsubscribe-page")
        packs(home, folder, environment)
        newest = json.loads(run("campaign", "list", "--format", "json", cwd=folder, environment=environment))[0]["id"]
        report = run("report", "show", str(newest), cwd=folder, environment=environment)
        save(terminal(f"$ daisychain report show {newest}\n{until_notes(report)}"), "report")
        save(shot(local(home / f"report-{newest}.html"), 1000, height=1500), "report-page")


def started(layout: str, folder: str, environment: dict[str, str]) -> Page:
    """Make a newsletter in a layout with `newsletter new`, and return it as a page."""
    run("newsletter", "new", layout, "--toolkit", "community-makes-us", "--layout", layout, cwd=folder,
        environment=environment)  # fmt: skip
    run("newsletter", "preview", f"{layout}.md", "--out", f"layout-{layout}", "--no-pictures", cwd=folder,
        environment=environment)  # fmt: skip
    return local(Path(folder, f"layout-{layout}", "newsletter.html"))


def side_by_side(pages: list[Page]) -> Image.Image:
    """Put the beginnings of several mails side by side, as a phone shows them, half as large, four in a row."""
    wide, high, gap = 188, 430, 16
    sheet = Image.new("RGB", (4 * (wide + gap) + gap, -(-len(pages) // 4) * (high + gap) + gap), "#c9c5ba")
    for number, each in enumerate(pages):
        page = shot(each, 375).crop((0, 40, 375, 40 + 375 * high // wide))
        place = (gap + number % 4 * (wide + gap), gap + number // 4 * (high + gap))
        sheet.paste(page.resize((wide, high), Image.Resampling.LANCZOS), place)
    return sheet


def packs(home: Path, folder: str, environment: dict[str, str]) -> None:
    """Take the pictures of a partner pack, its README and its public page, on the toolkit of the demo."""
    write_partners(Path(folder))
    run("newsletter", "new", "may", "--toolkit", "community-makes-us", cwd=folder, environment=environment)
    run("newsletter", "pack", "may.md", "--brand", "bees.yml", "--for", "brevo,outlook", "--out", ".", cwd=folder,
        environment=environment)  # fmt: skip
    made = Path(folder, "bees-of-bath-brevo")
    readme = made / "README.html"
    page = readme.read_text().replace("http://127.0.0.1:8000", "https://news.your-coalition.org")
    readme.write_text(page)
    save(shot(local(readme), 860), "pack-readme", height=1000)
    readme.write_text(filled(page))
    save(shot(local(readme), 860), "pack-code")
    save(shot(local(made / "preview.html"), 1200, height=900), "pack-preview")
    page = (made / "email.html").read_text()
    (made / "email.html").write_text(page.replace("{{ contact.FIRSTNAME|default:'friend' }}", "Ann"))
    save(shot(local(made / "email.html"), 640), "pack-email", height=1100)
    save(shot(local(Path(folder, "bees-of-bath-outlook", "email.html")), 375), "pack-mailbox", height=1000)
    key = json.loads((made / "pack.json").read_text())["pack"]
    document = Path(folder, "may.md")
    document.write_text(document.read_text().replace("Dear {{", "Hello {{"))
    run("newsletter", "pack", "may.md", "--for", "plain", "--out", "newer", cwd=folder, environment=environment)
    with served(home, environment) as url:
        save(shot(online(url, f"/packs/{key}"), 640, height=760), "pack-standing")
        save(shot(with_picture(url, "/toolkits/community-makes-us/emails"), 1100, height=760), "toolkit-packs")
        save(own_email(f"{url}/toolkits/community-makes-us/emails/bulletin", home / "bees.png"), "own-email")


def own_email(url: str, logo: Path) -> Image.Image:
    """Return the page of an email in which somebody has typed a name and a colour, and picked a logo."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": 1200, "height": 940})
        page.goto(url)
        page.get_by_label("Your organisation’s name").fill("Bees of Bath")
        page.locator("#accent").fill("#ffcc00")
        page.get_by_label("Logo").set_input_files(logo)
        page.frame_locator("iframe:not(.spare)").get_by_alt_text("Bees of Bath").wait_for()
        page.locator("#accent-live .note").wait_for()
        page.evaluate("document.activeElement.blur()")
        taken = page.screenshot()
        browser.close()
    with Image.open(io.BytesIO(taken)) as picture:
        return picture.convert("RGB")


def filled(readme: str) -> str:
    """Return the part of a README in which people copy the code, with an address filled in."""
    rest_hidden = "<style>main > :not(.code) { display: none } main { padding: 8px 44px 20px }</style></head>"
    return readme.replace("</head>", rest_hidden).replace(
        'placeholder="https://"',
        'value="https://img.brevo.example/2187/bees-of-bath-logo.png" placeholder="https://"',
        1,
    )


def run(*arguments: str, cwd: str, environment: dict[str, str]) -> str:
    """Run a command of Daisychain, and return its stdout."""
    return subprocess.run(
        [sys.executable, "-m", "daisychain", *arguments],
        cwd=cwd, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


@contextmanager
def served(home: Path, environment: dict[str, str], *command: str) -> Iterator[str]:
    """Serve the demo's home with `daisychain serve` or another command, and yield the URL that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daisychain", *(command or ("serve", "--port", "0"))],
        cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = next((line.strip() for line in process.stdout if line.startswith("http://")), "")
        deadline = time.monotonic() + 60
        while not answers(url):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit("The pages did not start.")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers(url: str) -> bool:
    """Whether the pages are up."""
    try:
        urllib.request.urlopen(urljoin(url, "/healthz"), timeout=5).close()  # noqa: S310 - our own address
    except OSError:
        return False
    return True


def leaving_path(home: Path) -> str:
    """Return the path of the unsubscribe link in some mail of the newest campaign."""
    newest = max((home / "outbox").glob("[0-9]*"), key=lambda folder: int(folder.name))
    mail = message_from_bytes(min(newest.glob("*.eml")).read_bytes())
    return urlsplit(mail["List-Unsubscribe"].strip("<>")).path


def until_notes(report: str) -> str:
    """Return a report up to its footnotes, its sentences wrapped as a terminal wraps them."""
    lines = report.partition("\n[1] ")[0].rstrip().split("\n")
    return "\n".join(part for line in lines for part in textwrap.wrap(line, 150, drop_whitespace=False) or [""])


def local(path: Path) -> Page:
    """Return the page in a file, with the files beside it."""
    return Page(
        path.read_text(encoding="utf-8"),
        lambda name: file.read_bytes() if (file := path.parent / name).is_file() else None,
    )


def online(url: str, path: str) -> Page:
    """Return a public page, with the files that its site has for it."""

    def content(name: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"{url}/{name}", timeout=30) as answer:  # noqa: S310 - our own address
                return bytes(answer.read())
        except OSError:
            return None

    return Page((content(path.removeprefix("/")) or b"").decode(), content)


def with_picture(url: str, path: str) -> Page:
    """Return the page of emails once a worker has drawn them, which is within a minute."""
    deadline = time.monotonic() + 150
    while "/picture?" not in (page := online(url, path)).html and time.monotonic() < deadline:
        time.sleep(2)
    return page


def shot(page: Page, width: int, *, height: int = 0) -> Image.Image:
    """Return a page as a browser of that width shows it, whole or only its top."""
    with open_browser() as browser:
        taken = browser.picture(page, View(width, height, scripts=True))
    with Image.open(io.BytesIO(taken)) as picture:
        return picture.convert("RGB")


def part(page: Page, selector: str, width: int) -> Image.Image:
    """Return one element of a page, over its whole width."""
    box = f"(box => [box.top, box.bottom])(document.querySelector({selector!r}).getBoundingClientRect())"
    with open_browser() as browser:
        top, bottom = browser.answer(page, box, View(width))
    return shot(page, width).crop((0, int(top) - 16, width, int(bottom) + 16))


def terminal(text: str) -> Image.Image:
    """Draw text as a terminal shows it."""
    lines = [line.rstrip() for line in text.splitlines()]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(record=True, file=nowhere, width=max(map(len, lines)) + 2)
        console.print(Text("\n".join(lines)))
    drawing = console.export_svg(title="Daisychain")
    style = "<style>body{margin:0}svg{width:1100px}</style>"
    return shot(Page(f'<!doctype html><meta charset="utf-8">{style}{drawing}'), 1100)


def trimmed(picture: Image.Image) -> Image.Image:
    """Cut off equal rows at the bottom of a picture."""
    last = picture.crop((0, picture.height - 1, picture.width, picture.height))
    row = last.tobytes()
    height = picture.height
    while height > 1 and picture.crop((0, height - 1, picture.width, height)).tobytes() == row:
        height -= 1
    return picture.crop((0, 0, picture.width, min(picture.height, height + 16)))


def save(picture: Image.Image, name: str, *, height: int = TALL) -> None:
    """Write a picture as a PNG with a palette, cut to `height` at most."""
    small = trimmed(picture)
    small = small.crop((0, 0, small.width, min(small.height, height)))
    target = OUT / f"{name}.png"
    small.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, optimize=True)
    sys.stdout.write(f"{target.name}: {small.width} × {small.height}, {target.stat().st_size / 1024:.0f} KB\n")


if __name__ == "__main__":
    main()
