"""Deep: what Chromium shows of a mail: words that break on phones, and what axe-core finds, light and dark.

It runs only if asked, as it takes seconds. It needs a Chromium on this machine, and for the second axe-core,
which `make scripts` builds. Nothing is fetched when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from selectolax.lexbor import SelectolaxError

from newsletters.browser.axe import Violation, violations
from newsletters.browser.browser import BrowserError, Page
from newsletters.browser.phones import broken
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
    fix="Install Chromium and run `make scripts`, or check on a machine that has them.",
)  # fmt: skip


BROKEN = Code(
    "deep-broken-word", "warning", "A word or an amount that breaks in the middle on a phone",
    why="Half of it is read as another word or amount.",
    fix="Use shorter words or fewer columns, or write the table as a list.",
)  # fmt: skip
TOO_WIDE = Code(
    "deep-too-wide", "warning", "A mail that is wider than a phone",
    why="It is shown so small that it can't be read, or its end is cut off.",
    fix="Use fewer columns, shorter words and smaller pictures.",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings of axe-core, each rule once, at the first element that breaks it."""
    if not subject.deep:
        return
    page = _page(subject)
    try:
        yield from _on_phones(subject, page)
        found = violations(page)
    except BrowserError as error:
        yield NOT_RUN.at(subject.document.file, error.message)
        return
    for rule in dict.fromkeys(each.rule for each in found):
        yield _told(subject, [each for each in found if each.rule == rule])


def _on_phones(subject: Subject, page: Page) -> Iterator[Finding]:
    """Yield each word that breaks, and that the mail is too wide, once, on the narrowest phone."""
    found = sorted(broken(page), key=lambda each: each.screen)
    words = dict.fromkeys(word for each in found for word in each.words if subject.email.mint.mark not in word)
    for word in words:
        screen = next(each.screen for each in found if word in each.words)
        yield BROKEN.at(subject.place_of(word), f"{word!r} breaks in the middle on a phone of {screen} px.")
    if wide := next((each for each in found if each.width), None):
        yield TOO_WIDE.at(subject.document.file, f"On a phone of {wide.screen} px the mail is {wide.width} px wide.")


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
