"""Browser: pictures of pages, and what a script finds in them, by a headless Chromium; nothing comes from a network.

    with open_browser() as browser:
        light = browser.picture(Page(html, files.get), View(width=375))
        dark = browser.picture(Page(html, files.get), View(width=375, dark=True))
        found = browser.answer(Page(html), "axe.run()", before=axe)

One browser takes many pictures: its start costs about a second, a picture of a mail about half of one.
"""

from __future__ import annotations

import base64
import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from daisychain.errors import ConfigurationError
from daisychain.settings import load_settings
from newsletters.browser.devtools import BrowserEndedError, BrowserError, DevTools

__all__ = ["Browser", "BrowserError", "Page", "View", "chromium", "open_browser"]

_PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
# What Chromium can draw in one piece, in pixels of the picture; it repeats or leaves empty what is beyond.
_TALLEST = 16_000
# No host has this name, by RFC 6761: what a page asks of it, we answer.
_HERE = "http://page.invalid/"
# For pages whose own scripts are not to run; what DevTools is asked to work out does all the same.
_NO_SCRIPTS = {"name": "Content-Security-Policy", "value": "script-src 'none'; connect-src 'none'"}

# Programs that started only without their sandbox, so that it is not tried each time.
_WITHOUT_SANDBOX: set[str] = set()

Files = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Page:
    """A page to show: its HTML, and its files by their paths in it."""

    html: str = ""
    files: Files = lambda _: None


@dataclass(frozen=True)
class View:
    """A way to look at a page: sizes in CSS px, a `height` of 0 for all of it, `scale` pixels of the picture for each.

    The `scripts` of a page given as HTML run only if asked: no mail program would run any.
    """

    width: int = 640
    height: int = 0
    scale: float = 1
    dark: bool = False
    images: bool = True
    scripts: bool = False


def chromium() -> str:
    """Return the browser to take pictures with: the one of the settings, or one on the path; empty if there is none.

    Raises ConfigurationError if the settings name one that is missing.
    """
    if named := load_settings().chromium:
        if found := shutil.which(named):
            return found
        raise ConfigurationError("DAISYCHAIN_CHROMIUM", f"names {named}, which is no program here.")
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), "")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Open a browser that ends with the block; raises BrowserError if there is none, or it does not start."""
    program = chromium()
    if not program:
        raise BrowserError("There is no Chromium here.", hint="Install one, or name it in DAISYCHAIN_CHROMIUM.")
    browser = _start(program)
    try:
        yield browser
    finally:
        browser.close()


def _start(program: str) -> Browser:
    """Start Chromium in its own sandbox.

    Most containers, in which one is root, have no room for one. Root's Chromium is a user that owns nothing, so it may
    do without; anybody else's would be the user whose files the sandbox protects.
    """
    if program not in _WITHOUT_SANDBOX:
        try:
            return Browser(program)
        except BrowserEndedError:
            if os.geteuid() != 0:
                raise
    browser = Browser(program, sandbox=False)
    _WITHOUT_SANDBOX.add(program)
    return browser


class Browser:
    """One Chromium with one page open at a time; made by `open_browser`. `sandboxed` is whether it has a sandbox."""

    def __init__(self, program: str, *, sandbox: bool = True) -> None:
        self.sandboxed = sandbox
        self._page, self._view = Page(), View()
        self._loaded = ""
        self._tools = DevTools(program, self._heard, sandbox=sandbox)
        try:
            tab = self._tools.call("Target.createTarget", url="about:blank")["targetId"]
            self._tab = self._tools.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
            self._do("Page.enable")
            self._do("Page.setLifecycleEventsEnabled", enabled=True)
            self._do("Network.enable")
            self._do("Network.setCacheDisabled", cacheDisabled=True)
            self._do("Fetch.enable", patterns=[{"urlPattern": "*"}])
        except BaseException:
            self.close()
            raise

    @property
    def process(self) -> int:
        """The id of its process."""
        return self._tools.process

    def close(self) -> None:
        """End the browser."""
        self._tools.close()

    def picture(self, page: Page, view: View = View()) -> bytes:
        """Return a PNG of `page`; raises BrowserError."""
        self._show(page, view)
        height = view.height or self._do("Page.getLayoutMetrics")["cssContentSize"]["height"]
        clip = {"x": 0, "y": 0, "width": view.width, "height": min(height, _TALLEST / view.scale), "scale": 1}
        taken = self._do("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def pdf(self, page: Page) -> bytes:
        """Return `page` as it prints, with its backgrounds and tags for screen readers; raises BrowserError."""
        self._show(page, View())
        printed = self._do("Page.printToPDF", printBackground=True, preferCSSPageSize=True, generateTaggedPDF=True)
        return base64.b64decode(printed["data"])

    def answer(self, page: Page, script: str, view: View = View(), *, before: str = "") -> Any:
        """Return what the expression `script` (or its promise) gives on `page`, as JSON, after `before` has run there.

        Raises BrowserError, also if the script throws.
        """
        self._show(page, view, asked=True)
        if before:
            self._evaluate(f"{before}\n;undefined")
        return self._evaluate(script)

    def _show(self, page: Page, view: View, *, asked: bool = False) -> None:
        self._page, self._view = page, view
        self._do(
            "Emulation.setDeviceMetricsOverride", width=view.width, height=view.height or 800,
            deviceScaleFactor=view.scale, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if view.dark else "light"}
        self._do("Emulation.setEmulatedMedia", features=[scheme])
        self._do("Emulation.setScriptExecutionDisabled", value=not (view.scripts or asked))
        went = self._do("Page.navigate", url=_HERE)
        # By its own name: the page before may still tell that it is loaded.
        self._tools.listen(lambda: self._loaded == went["loaderId"])

    def _evaluate(self, script: str) -> Any:
        answer = self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"]
            raise BrowserError(
                f"A script failed in the page: {thrown.get('exception', {}).get('description', thrown['text'])}"
            )
        return answer["result"].get("value")

    def _do(self, method: str, **parameters: Any) -> Any:
        return self._tools.call(method, self._tab, **parameters)

    def _heard(self, event: str, details: Mapping[str, Any], session: str) -> None:
        if event == "Page.lifecycleEvent" and details["name"] == "load":
            self._loaded = details["loaderId"]
        elif event == "Fetch.requestPaused":
            self._requested(details, session)

    def _requested(self, details: Mapping[str, Any], session: str) -> None:
        """Answer what the page asks for: with its own files, and nothing else."""
        request, url = details["requestId"], details["request"]["url"]
        content = self._content(url) if self._view.images or details["resourceType"] != "Image" else None
        if content is None:
            self._tools.send("Fetch.failRequest", session, requestId=request, errorReason="BlockedByClient")
            return
        headers = [{"name": "Content-Type", "value": _media_type(url)}]
        self._tools.send(
            "Fetch.fulfillRequest", session, requestId=request, responseCode=200,
            responseHeaders=headers if self._view.scripts else [*headers, _NO_SCRIPTS],
            body=base64.b64encode(content).decode("ascii"),
        )  # fmt: skip

    def _content(self, url: str) -> bytes | None:
        if not url.startswith(_HERE):
            return None
        path = unquote(urlsplit(url).path).lstrip("/")
        return self._page.files(path) if path else self._page.html.encode()


def _media_type(url: str) -> str:
    guessed = mimetypes.guess_type(urlsplit(url).path)[0]
    return guessed if guessed and not guessed.startswith("text/html") else "text/html; charset=utf-8"
