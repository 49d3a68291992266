"""axe: Deque's rules for pages that everybody can read, run over a mail by a Chromium on this machine.

axe-core is among the files that `make scripts` builds; nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from daisychain.built_files import BUILT
from newsletters.browser.browser import BrowserError, Page, View, open_browser

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
        raise BrowserError("axe-core is missing: `make scripts` builds it.")
    with open_browser() as browser:
        found = [(dark, browser.answer(page, _RUN, View(dark=dark), before=engine)) for dark in (False, True)]
    return [
        Violation(row["rule"], row["help"], row["selector"], row["why"], dark) for dark, rows in found for row in rows
    ]


@cache
def _engine() -> str:
    """Return the source of axe-core; empty if it was not built."""
    file = BUILT / "axe.min.js"
    return file.read_text(encoding="utf-8") if file.is_file() else ""
