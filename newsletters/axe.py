"""axe: Deque's rules for pages that everybody can read, run over a mail by a Chromium on this machine.

axe-core comes with a package of the extra `deep`; nothing is fetched. Its page says what broke in its own document,
which Chromium prints when it is done.
"""

from __future__ import annotations

import html as htmllib
import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from newsletters.packs.looks import chromium

# Packages that carry axe.min.js, the newest axe first.
_CARRIERS = ("axe_playwright_python", "axe_core_python")
_SECONDS = 60
_WIDTH = 640
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")
_ANSWER = re.compile(r'<pre id="axe">(.*?)</pre>', re.DOTALL)
# A mail is shown inside somebody else's page: rules about a page's landmarks are not about it.
_RUN = """
axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}, 'landmark-one-main': {enabled: false}}})
  .then(({violations}) => violations.flatMap(({id, help, nodes}) => nodes.map(
    ({target, html, failureSummary}) => ({rule: id, help, selector: String(target[0]), html, why: failureSummary}))))
  .catch((error) => ({error: String(error)}))
  .then((answer) => {
    const pre = document.createElement('pre');
    pre.id = 'axe';
    pre.textContent = JSON.stringify(answer);
    document.body.replaceChildren(pre);
  });
"""


@dataclass(frozen=True)
class Violation:
    """A rule that an element breaks: `selector` finds the element, `why` says what is wrong with it."""

    rule: str
    help: str
    selector: str
    html: str
    why: str


class NotRun(Exception):  # noqa: N818 - it is the beginning of a sentence
    """Why the rules could not be run, as a sentence."""


def violations(html: str, *, dark: bool) -> list[Violation]:
    """What axe finds in the page `html`, on a light screen or a dark one; raises NotRun."""
    program, engine = chromium(), _engine()
    if not program:
        raise NotRun("There is no Chromium on this machine.")
    if not engine:
        raise NotRun("axe-core is not installed: pip install 'daisychain[deep]'.")
    page = _DARK.sub("@media all", html) if dark else html
    page = page.replace("</body>", f"<script>{engine}</script><script>{_RUN}</script></body>")
    answer = json.loads(_printed(program, page))
    if "error" in answer:
        raise NotRun(f"axe-core gave up: {answer['error']}.")
    return [Violation(**row) for row in answer]


@cache
def _engine() -> str:
    """The source of axe-core; empty where no package carries it."""
    for name in _CARRIERS:
        try:
            return files(name).joinpath("axe.min.js").read_text(encoding="utf-8")
        except (ModuleNotFoundError, FileNotFoundError):
            continue
    return ""


def _printed(program: str, page: str) -> str:
    """The answer that `page` writes into itself, as JSON; raises NotRun."""
    with tempfile.TemporaryDirectory(prefix="daisychain") as name:
        file = Path(name) / "mail.html"
        file.write_text(page, encoding="utf-8")
        command = [
            program, "--headless", "--no-sandbox", f"--user-data-dir={name}/browser", f"--window-size={_WIDTH},2000",
            "--virtual-time-budget=30000", "--dump-dom", file.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise NotRun(f"Chromium did not answer in {_SECONDS} s.") from None
    found = _ANSWER.search(done.stdout)
    if found is None:
        raise NotRun("Chromium showed the page, and axe-core said nothing.")
    return htmllib.unescape(found[1])
