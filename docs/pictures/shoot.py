"""Takes the pictures of the documentation from a real run of the demo, with Chromium, and makes them small with Pillow.

    python docs/pictures/shoot.py           writes docs/pictures/*.png

Needs a `chromium` on the path. The pictures are committed; run it again when what they show has changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from rich.console import Console
from rich.text import Text

from daisychain.demo_partner import write_partner
from newsletters.blocks import registry

OUT = Path(__file__).parent
# Room for the longest page; what is left over below it is cut away.
TALL = 6000
# Chromium opens no window narrower than this; narrower pages are shown in a frame.
NARROWEST = 500


def main() -> None:
    """Run the demo in a folder of its own, and take every picture from it."""
    with tempfile.TemporaryDirectory(prefix="shoot") as folder:
        home = Path(folder, "demo")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAISYCHAIN_")}
        environment["DAISYCHAIN_HOME"] = str(home)
        told = run("demo", "--home", str(home), cwd=folder, environment=environment)
        sys.stdout.write(told[told.rindex("Where to look") :])
        mail = home / "preview" / "newsletter.html"
        save(framed(mail.as_uri(), 640, folder), "bulletin-desktop", height=1500)
        save(framed(mail.as_uri(), 375, folder), "bulletin-phone", height=1500)
        save(side_by_side([started(layout, folder, environment) for layout in registry().layouts], folder), "layouts")
        with served(home, environment) as url:
            save(shot(f"{url}/toolkits/community-makes-us", 1100, folder, height=1500), "toolkit-page")
            save(shot(url + leaving_path(home), 640, folder, height=760), "unsubscribe-page")
        packs(home, folder, environment)
        newest = json.loads(run("campaign", "list", "--format", "json", cwd=folder, environment=environment))[0]["id"]
        report = run("report", "show", str(newest), cwd=folder, environment=environment)
        save(terminal(f"$ daisychain report show {newest}\n{until_notes(report)}", folder), "report")


def started(layout: str, folder: str, environment: dict[str, str]) -> str:
    """The address of what `newsletter new` makes in a layout, as a page."""
    run(
        "newsletter",
        "new",
        layout,
        "--toolkit",
        "community-makes-us",
        "--layout",
        layout,
        cwd=folder,
        environment=environment,
    )
    run("newsletter", "preview", f"{layout}.md", "--out", f"layout-{layout}", cwd=folder, environment=environment)
    return Path(folder, f"layout-{layout}", "newsletter.html").as_uri()


def side_by_side(urls: list[str], folder: str) -> Image.Image:
    """The beginnings of several mails as a phone shows them, half as large, four in a row."""
    wide, high, gap = 188, 430, 16
    sheet = Image.new("RGB", (4 * (wide + gap) + gap, -(-len(urls) // 4) * (high + gap) + gap), "#c9c5ba")
    for number, url in enumerate(urls):
        page = framed(url, 375, folder).crop((0, 40, 375, 40 + 375 * high // wide))
        place = (gap + number % 4 * (wide + gap), gap + number // 4 * (high + gap))
        sheet.paste(page.resize((wide, high), Image.Resampling.LANCZOS), place)
    return sheet


def packs(home: Path, folder: str, environment: dict[str, str]) -> None:
    """The pictures of a partner pack, its README and its public page, on the toolkit of the demo."""
    write_partner(Path(folder, "bees.yml"))
    run("newsletter", "new", "may", "--toolkit", "community-makes-us", cwd=folder, environment=environment)
    run("newsletter", "pack", "may.md", "--brand", "bees.yml", "--for", "brevo,outlook", "--out", ".", cwd=folder,
        environment=environment)  # fmt: skip
    made = Path(folder, "bees-of-bath-brevo")
    readme = made / "README.html"
    page = readme.read_text().replace("http://127.0.0.1:8000", "https://news.your-coalition.org")
    readme.write_text(page)
    save(shot(readme.as_uri(), 860, folder), "pack-readme", height=1000)
    readme.write_text(filled(page))
    save(shot(readme.as_uri(), 860, folder), "pack-code")
    page = (made / "email.html").read_text()
    (made / "email.html").write_text(page.replace("{{ contact.FIRSTNAME|default:'friend' }}", "Ann"))
    save(framed((made / "email.html").as_uri(), 640, folder), "pack-email", height=1100)
    save(framed(Path(folder, "bees-of-bath-outlook", "email.html").as_uri(), 375, folder), "pack-mailbox", height=1000)
    key = json.loads((made / "pack.json").read_text())["pack"]
    document = Path(folder, "may.md")
    document.write_text(document.read_text().replace("Dear {{", "Hello {{"))
    run("newsletter", "pack", "may.md", "--for", "plain", "--out", "newer", cwd=folder, environment=environment)
    with served(home, environment) as url:
        save(shot(f"{url}/packs/{key}", 640, folder, height=760), "pack-standing")


def filled(readme: str) -> str:
    """The part of a README in which people copy the code, an address filled in."""
    alone = "<style>main > :not(.code) { display: none } main { padding: 8px 44px 20px }</style></head>"
    return readme.replace("</head>", alone).replace(
        'placeholder="https://"', 'value="https://img.brevo.example/2187/bees-of-bath-logo.png" placeholder="https://"', 1
    )


def run(*arguments: str, cwd: str, environment: dict[str, str]) -> str:
    """What a command of Daisychain says on stdout."""
    return subprocess.run(
        [sys.executable, "-m", "daisychain", *arguments],
        cwd=cwd, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


@contextmanager
def served(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """The public pages of the demo's home; yields their URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daisychain", "serve", "--port", "0"],
        cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        deadline = time.monotonic() + 60
        while not answers(url):
            if time.monotonic() > deadline:
                raise SystemExit("The pages did not come up.")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers(url: str) -> bool:
    """Whether the pages are up."""
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=5).close()  # noqa: S310 - our own address
    except OSError:
        return False
    return True


def leaving_path(home: Path) -> str:
    """The path of the unsubscribe link in some mail of the newest campaign."""
    newest = max((home / "outbox").iterdir(), key=lambda folder: int(folder.name))
    mail = message_from_bytes(min(newest.glob("*.eml")).read_bytes())
    return urlsplit(mail["List-Unsubscribe"].strip("<>")).path


def until_notes(report: str) -> str:
    """A report up to its footnotes."""
    return report.partition("\n[1] ")[0].rstrip()


def shot(url: str, width: int, folder: str, *, height: int = TALL) -> Image.Image:
    """A page as Chromium shows it in a window of that size."""
    target = Path(folder, "shot.png")
    target.unlink(missing_ok=True)
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--allow-file-access-from-files",
         "--virtual-time-budget=4000", f"--window-size={width},{height}", f"--screenshot={target}", url],
        check=True, capture_output=True,
    )  # fmt: skip
    with Image.open(target) as picture:
        return picture.convert("RGB")


def framed(url: str, width: int, folder: str) -> Image.Image:
    """The same for a page narrower than a window can be: a frame is a viewport of its own."""
    page = Path(folder, "frame.html")
    page.write_text(
        "<!doctype html><style>body{margin:0}iframe{border:0;display:block}</style>"
        f'<iframe src="{url}" width="{width}" height="{TALL}"></iframe>'
    )
    return shot(page.as_uri(), max(width, NARROWEST), folder).crop((0, 0, width, TALL))


def terminal(text: str, folder: str) -> Image.Image:
    """Text as a terminal shows it."""
    lines = [line.rstrip() for line in text.splitlines()]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(record=True, file=nowhere, width=max(map(len, lines)) + 2)
        console.print(Text("\n".join(lines)))
    page = Path(folder, "terminal.html")
    drawing = console.export_svg(title="Daisychain")
    page.write_text(f'<!doctype html><meta charset="utf-8"><style>body{{margin:0}}svg{{width:1100px}}</style>{drawing}')
    return shot(page.as_uri(), 1100, folder)


def trimmed(picture: Image.Image) -> Image.Image:
    """The picture without the rows below which nothing changes any more."""
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
