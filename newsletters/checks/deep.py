"""Deep: what axe-core finds in Chromium, on light and dark screens; only if asked, as it takes seconds.

It needs a Chromium on this machine, and axe-core: `pip install 'daisychain[deep]'`. Nothing is fetched when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from selectolax.lexbor import SelectolaxError

from newsletters.browser.axe import Violation, violations
from newsletters.browser.browser import BrowserError, Page
from newsletters.checks.accessibility import place_of_link
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.tokens import Kind

AXE = Code(
    "deep-axe", "warning", "A rule of axe-core that the mail breaks",
    why="It is a barrier for people who listen, zoom or use a keyboard.",
    fix="Look the rule up by its name in the documentation of axe-core.",
)  # fmt: skip
NOT_RUN = Code(
    "deep-not-run", "hint", "The deep check could not run",
    why="Rules that need a browser were not checked.",
    fix="Install Chromium and `daisychain[deep]`, or check on a machine that has them.",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings of axe-core, each rule once, at the first element that breaks it."""
    if not subject.deep:
        return
    try:
        found = violations(_page(subject))
    except BrowserError as error:
        yield NOT_RUN.at(subject.document.file, error.message)
        return
    for rule in dict.fromkeys(each.rule for each in found):
        yield _told(subject, [each for each in found if each.rule == rule])


def _page(subject: Subject) -> Page:
    """Return the mail with its pictures, every condition met, and tokens for a member's values."""
    images, mint = subject.email.images, subject.email.mint
    html = mint.pattern(Kind.IMAGE).sub(lambda found: images[int(found[2])].file_name, subject.tree.html or "")
    return Page(
        mint.pattern("[BOE]").sub("", html),
        {image.file_name: subject.image_contents[image.hash] for image in images}.get,
    )


def _told(subject: Subject, broken: Sequence[Violation]) -> Finding:
    first, others = broken[0], len({each.selector for each in broken}) - 1
    # "Fix any of the following:", then a line for each.
    why = " ".join(line.strip() for line in first.why.splitlines()[1:2])
    where = f"{' on dark screens' if first.dark else ''}{f', here and {others} times more' if others else ''}"
    return AXE.at(_place(subject, first), f"{first.rule}{where}: {first.help}. {why}")


def _place(subject: Subject, violation: Violation) -> str:
    try:
        node = subject.tree.css_first(violation.selector)
    except SelectolaxError:  # one of axe's own, that reaches into a frame
        node = None
    if node is None:
        return subject.document.place("layout")
    return place_of_link(subject, node) if node.tag == "a" else subject.place(node)
