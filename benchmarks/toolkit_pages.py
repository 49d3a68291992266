"""The public pages of a toolkit on a phone with a slow line: bytes of the first view, and the time that it takes."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser as Chromium

from benchmarks.stage import Figure, house, written
from pages.app import create_app
from tests.desk.chromium import running_chromium, served

# What browsers' own tools call these lines: bits a second, and milliseconds there and back.
LINES = {"slow 4G": (1_600_000, 150), "slow 3G": (400_000, 400)}
PAGES = ("", "/emails", "/website")
TIMES = 5
# A cheap phone has about a quarter of this machine's speed.
SLOWER = 4
TO_REACH = "200 KB, 1 s on slow 4G"

# When the words were there, and when the last picture was that begins in the first screen.
SEEN = """() => {
  const pictures = [...document.images].filter((image) => image.getBoundingClientRect().top < innerHeight);
  const loaded = pictures.map((image) => performance.getEntriesByName(image.currentSrc)[0]?.responseEnd ?? 0);
  const words = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return [words, Math.max(words, ...loaded)];
}"""


@dataclass(frozen=True)
class FirstView:
    """A page opened by somebody new: bytes on the line, and seconds until its words, and its pictures, were there."""

    size: int
    requests: int
    words: float
    whole: float


def main() -> list[Figure]:
    """Open each page on each line; the time of a figure is that until everything of the first view was there."""
    figures = []
    with house("toolkit-pages") as database, served(create_app(database)) as url, running_chromium() as chromium:
        for page in PAGES:
            for line in LINES:
                opened = [_open(chromium, f"{url}/toolkits/community-makes-us{page}", line) for _ in range(TIMES)]
                middle = sorted(opened, key=lambda each: each.whole)[TIMES // 2]
                step = (
                    f"/toolkits/NAME{page} on {line}: {middle.size / 1000:.0f} KB in {middle.requests} requests, "
                    f"words after {middle.words:.2f} s, all of the first view after {middle.whole:.2f} s"
                )
                figures.append(Figure(step, 1, middle.whole, TO_REACH))
    written("toolkit_pages", figures)
    return figures


def _open(chromium: Chromium, url: str, line: str) -> FirstView:
    bits, milliseconds = LINES[line]
    context = chromium.new_context(viewport={"width": 375, "height": 667}, device_scale_factor=2, is_mobile=True)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    sizes: list[int] = []
    tools.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    tools.send("Network.enable")
    speed = {"downloadThroughput": bits / 8, "uploadThroughput": bits / 8, "latency": milliseconds, "offline": False}
    tools.send("Network.emulateNetworkConditions", speed)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url, wait_until="networkidle")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    words, whole = page.evaluate(SEEN)
    context.close()
    return FirstView(sum(sizes), len(sizes), words / 1000, whole / 1000)


if __name__ == "__main__":
    main()
