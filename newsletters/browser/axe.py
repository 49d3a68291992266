"""axe: Deque's rules for pages that everybody can read, run over a mail by a Chromium on this machine.

axe-core comes with a package of the extra `deep`; nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from newsletters.browser.browser import BrowserError, Page, View, open_browser

# Packages that carry axe.min.js, the newest axe first; their own Python code is not used.
_CARRIERS = ("axe_playwright_python", "axe_core_python")
# A mail is shown inside somebody else's page: rules about a page's landmarks are not about it.
_RUN = """
axe.run(document, {rules: {region: {enabled: false}, 'landmark-one-main': {enabled: false}}})
  .then(({violations}) => violations.flatMap(({id, help, nodes}) => nodes.map(
    ({target, failureSummary}) => ({rule: id, help, selector: String(target[0]), why: failureSummary}))))
"""


@dataclass(frozen=True)
class Violation:
    """A rule that an element breaks: `selector` finds the element, `why` says what is wrong with it.

    `dark` is whether it was seen on a dark screen.
    """

    rule: str
    help: str
    selector: str
    why: str
    dark: bool = False


def violations(page: Page) -> list[Violation]:
    """Return what axe finds in `page`, on a light screen and then on a dark one; raises BrowserError."""
    engine = _engine()
    if not engine:
        raise BrowserError("axe-core is not installed: pip install 'daisychain[deep]'.")
    with open_browser() as browser:
        found = [(dark, browser.answer(page, _RUN, View(dark=dark), before=engine)) for dark in (False, True)]
    return [
        Violation(row["rule"], row["help"], row["selector"], row["why"], dark) for dark, rows in found for row in rows
    ]


@cache
def _engine() -> str:
    """Return the source of axe-core; empty if no package has it."""
    specs = [spec for name in _CARRIERS if (spec := find_spec(name))]
    found = [Path(folder) / "axe.min.js" for spec in specs for folder in spec.submodule_search_locations or ()]
    return next((file.read_text(encoding="utf-8") for file in found if file.is_file()), "")
