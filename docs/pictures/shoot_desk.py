"""Take the pictures of the desk from a real run of the demo: sign in, write, check, send, follow, as a person would.

    sh frontend/build.sh
    python docs/pictures/shoot_desk.py          writes docs/pictures/desk-*.png

With the folder of a demo (`shoot_desk.py demo`), it uses that one, and leaves a newsletter and a campaign in it. Needs
a `chromium` on the path. The pictures are committed; run it again when what they show has changed.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
import time
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotYet
from shoot import run, save, served

from newsletters.browser.browser import chromium

PATIENCE = 60  # seconds for what a worker does meanwhile
DESKTOP, PHONE = (1280, 860), (375, 780)


def main() -> None:
    """Run the demo unless there is one, sign in by the link that it prints, and take every picture."""
    with tempfile.TemporaryDirectory(prefix="shoot") as folder, sync_playwright() as playwright:
        home = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else Path(folder, "demo")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAISYCHAIN_")}
        if not home.exists():
            run("demo", "--home", str(home), cwd=folder, environment=environment)
        browser = playwright.chromium.launch(executable_path=chromium())
        with served(home, environment, "demo", "--serve", "--home", str(home)) as link:
            page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
            page.goto(link)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(urljoin(link, "/desk/"))
            newsletter = write(page)
            send(page, newsletter)
            follow(page, home)
            toolkits(page)
            bring_people(page, Path(folder))
            look_around(page)
        browser.close()


def write(page: Page) -> str:
    """Take the pictures of a newsletter that is being written; return its address."""
    page.get_by_role("link", name="New newsletter").click()
    press(page, page.get_by_role("button", name="Begin"))
    newsletter = re.sub(r"/blocks.*", "", page.url)
    go(page, f"{newsletter}/versions")
    page.get_by_label("Title at the desk").fill("June bulletin")
    press(page, page.get_by_role("button", name="Rename"))
    go(page, urljoin(page.url, "/desk/newsletters"))
    shot(page, "newsletters")

    go(page, f"{newsletter}/blocks")
    page.locator("details.edit > summary").nth(2).click()
    mail(page)
    shot(page, "blocks")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.emulate_media(color_scheme="dark")
    go(page, f"{newsletter}/blocks")
    shot(page, "blocks-phone")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})

    source(page, newsletter)
    go(page, f"{newsletter}/preview")
    page.get_by_label("On", exact=True).select_option("desktop")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator("iframe.mail.desktop").wait_for()
    mail(page)
    shot(page, "preview")
    return newsletter


def source(page: Page, newsletter: str) -> None:
    """Take the picture of the source view with a mistake in the text, and undo the mistake."""
    go(page, f"{newsletter}/source")
    page.get_by_label("For the list").select_option("demo-friends")
    page.locator(".cm-line", has_text="Dear").click()
    page.keyboard.press("End")
    page.keyboard.type("\n\nSee you in {{ member.twon }}!")
    page.locator("#fix", has_text="twon").wait_for()
    page.locator(".cm-lint-marker").first.hover()
    page.locator(".cm-tooltip", has_text="twon").wait_for()
    mail(page)
    shot(page, "source")
    page.get_by_role("button", name="Undo", exact=True).click()
    page.locator("#fix", has_text="Nothing stops this from being sent").wait_for()


def send(page: Page, newsletter: str) -> None:
    """Take the pictures of the send wizard, and send to a hundred people first."""
    go(page, newsletter + "/send/list")
    page.locator("input[name=list]").first.check()
    shot(page, "send-list")
    for button in ("Check it for these people", "Go on", "Keep this plan"):
        press(page, page.locator("main").get_by_role("button", name=button))
    press(page, page.get_by_role("link", name="Go on"))
    twice = page.get_by_label("They get it twice")
    if twice.count():
        twice.check()
    mail(page)
    shot(page, "send-look")
    press(page, page.get_by_role("button", name="Send to"))


def follow(page: Page, home: Path) -> None:
    """Take the pictures of a campaign whose first hundred people have it, and of one that is over."""
    until(page, page.get_by_text("The first 100 are watched until"))
    shot(page, "progress")
    go(page, urljoin(page.url, "/desk/"))
    shot(page, "home")
    over = max((folder for folder in (home / "outbox").glob("[0-9]*")), key=lambda folder: len(list(folder.iterdir())))
    for path in sorted(over.glob("*.eml")):
        go(page, urljoin(page.url, f"/desk/campaigns/{over.name}"))
        page.get_by_label("Their address").fill(str(message_from_bytes(path.read_bytes())["To"]).strip("<>"))
        press(page, page.get_by_role("button", name="Look", exact=True))
        if page.locator(".log", has_text="clicked human").count():
            break
    shot(page, "did-they-get-it")
    go(page, urljoin(page.url, f"/desk/reports/{over.name}"))
    shot(page, "report")


def toolkits(page: Page) -> None:
    """Take the pictures of a toolkit: the form that begins one, a copy block, the brand."""
    kit = urljoin(page.url, "/desk/toolkits/community-makes-us")
    go(page, urljoin(page.url, "/desk/toolkits/_/new"))
    page.get_by_label("The text").fill(
        "A fair in every town, for all.\n\n# Welcome\n\nCome to the **fair**.\n\n# Social posts\n\nThe fair is on!"
    )
    page.get_by_label("Name of the campaign").fill("Spring Fair")  # last: it is at the top
    page.evaluate("scrollTo(0, 0)")
    shot(page, "toolkit-new")
    go(page, f"{kit}/copy/share")
    mail(page)
    shot(page, "toolkit-copy")
    go(page, f"{kit}/brand")
    mail(page)
    shot(page, "toolkit-brand")


def bring_people(page: Page, folder: Path) -> None:
    """Take the pictures of an import: what the columns become, and what the check counted. It is thrown away."""
    people = [f"volunteer{number}@people.example;Ann;BA{number % 9};called in March" for number in range(1200)]
    file = folder / "volunteers.csv"
    file.write_text("\n".join(["E-mail;Forename;PLZ;Notes", *people, people[2], "ann@@gmail;Ann;BA1;"]) + "\n")
    go(page, urljoin(page.url, "/desk/lists"))
    page.locator(".rows a").first.click()
    page.get_by_role("link", name="Bring people onto it").click()
    page.get_by_label("A file of people").set_input_files(file)
    press(page, page.get_by_role("button", name="Look at it"))
    until(page, page.get_by_role("heading", name="What is in the columns?"))
    shot(page, "import-columns")
    page.get_by_role("button", name="Go on to consent").click()
    page.get_by_text("They agreed", exact=True).click()
    page.get_by_label("Where is that recorded?").fill("join form, May 2026")
    press(page, page.get_by_role("button", name="Check what it would do"))
    until(page, page.get_by_role("heading", name="What it would do", exact=True))
    shot(page, "import-check")
    press(page, page.get_by_role("button", name="Throw it away"))


def look_around(page: Page) -> None:
    """Take the pictures of what admins see."""
    go(page, urljoin(page.url, "/desk/settings"))
    press(page, page.get_by_role("button", name="Ask the doctor"))
    until(page, page.locator(".meta", has_text="As of"))
    page.get_by_text("DNS return path", exact=True).scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, document.querySelector('.rows table').getBoundingClientRect().top - 90)")
    shot(page, "settings")


def go(page: Page, url: str) -> None:
    """Open a page, and wait until nothing more is asked for."""
    page.goto(url)
    page.wait_for_load_state("networkidle")


def press(page: Page, button: Locator) -> None:
    """Press what leads to another page, and wait for that page."""
    with page.expect_navigation():
        button.click()


def mail(page: Page) -> None:
    """Wait until the mail in the preview's frame is there with its pictures."""
    page.frame_locator("iframe.mail").first.locator("img").first.wait_for()
    page.wait_for_load_state("networkidle")


def until(page: Page, sought: Locator) -> None:
    """Wait until a page shows something: by itself, or when it is loaded again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            sought.first.wait_for(timeout=1000)
        except NotYet:
            page.reload()
        else:
            return
    raise SystemExit(f"{page.url} never showed what was waited for.")


def shot(page: Page, name: str) -> None:
    """Take the picture of the window, and write it."""
    with Image.open(io.BytesIO(page.screenshot(animations="disabled"))) as picture:
        save(picture.convert("RGB"), f"desk-{name}")


if __name__ == "__main__":
    main()
