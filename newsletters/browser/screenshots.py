"""Take screenshots of a mail as readers on different screens see it, if Chromium is installed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from newsletters.browser.browser import BrowserError, Page, View, open_browser

# A phone's screen has two pixels or more for each that CSS counts.
SCREENS = {"phone": View(width=375, scale=2), "desktop": View(width=640)}
PICTURES = "pictures"  # the folder of their files
MODES = {"light": "Light", "dark": "Dark", "no-images": "Images off"}


@dataclass(frozen=True)
class Shot:
    """A picture: its file, the screen and the mode it shows, and its size in CSS px."""

    path: str
    screen: str
    mode: str
    width: int
    height: int


@dataclass(frozen=True)
class Sitting:
    """A page to take pictures of: `name` begins the files' names; `all_modes`, or only on a light phone."""

    name: str
    page: Page
    all_modes: bool


def taken(
    sittings: Sequence[Sitting], watch: Callable[[int, int], None]
) -> tuple[dict[str, list[Shot]], dict[str, bytes], str]:
    """Return the shots by their sitting's name, their files, and why some are missing (empty if all were taken).

    `watch` is called with how many of how many are done.
    """
    shots: dict[str, list[Shot]] = {sitting.name: [] for sitting in sittings}
    files: dict[str, bytes] = {}
    wanted = [
        (sitting, screen, mode)
        for sitting in sittings
        for screen, mode in (product(SCREENS, MODES) if sitting.all_modes else [("phone", "light")])
    ]
    why = ""
    try:
        with open_browser() as browser:
            for done, (sitting, screen, mode) in enumerate(wanted):
                watch(done, len(wanted))
                view = replace(SCREENS[screen], dark=mode == "dark", images=mode != "no-images")
                picture = browser.picture(sitting.page, view)
                shot = _shot(picture, sitting.name, screen, mode)
                files[shot.path] = picture
                shots[sitting.name].append(shot)
        watch(len(wanted), len(wanted))
    except BrowserError as error:
        why = str(error)
    return shots, files, why


def _shot(picture: bytes, name: str, screen: str, mode: str) -> Shot:
    width, height = struct.unpack(">II", picture[16:24])  # of the first chunk of a PNG
    view = SCREENS[screen]
    path = f"{PICTURES}/{name}-{view.width}-{mode}.png"
    return Shot(path, screen, mode, round(width / view.scale), round(height / view.scale))
