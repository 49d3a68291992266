"""Deep: what axe-core finds in Chromium, light and dark; for those who ask for it, as it takes seconds."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from selectolax.lexbor import SelectolaxError

from newsletters.axe import NotRun, Violation, violations
from newsletters.checks.accessibility import words_of
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.tokens import Kind

AXE = Code(
    "deep-axe", "warning", "A rule of axe-core that the mail breaks",
    why="People who listen, zoom or use a keyboard meet a barrier there.", mend="Look the rule up at Deque University.",
)  # fmt: skip
NOT_RUN = Code(
    "deep-not-run", "hint", "The deep pass could not be run",
    why="What only a browser knows of the page was not looked at.",
    mend="Install Chromium and `daisychain[deep]`, or check on a machine that has them.",
)  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Findings of axe-core, each rule told once for each element."""
    if not subject.deep:
        return
    html = _with_pictures(subject)
    seen = set()
    for dark in (False, True):
        try:
            found = violations(html, dark=dark)
        except NotRun as error:
            yield NOT_RUN.at(subject.document.file, str(error))
            return
        for violation in found:
            if (violation.rule, violation.selector) not in seen:
                seen.add((violation.rule, violation.selector))
                where = " on dark screens" if dark else ""
                yield AXE.at(_place(subject, violation), f"{violation.rule}{where}: {violation.help}. {_why(violation)}")


def _with_pictures(subject: Subject) -> str:
    """The page, with its pictures inside it."""

    def shown(match: re.Match[str]) -> str:
        image = subject.email.images[int(match[2])]
        content = base64.b64encode(subject.image_contents[image.hash]).decode()
        return f"data:{image.media_type};base64,{content}"

    return subject.plain(subject.email.mint.pattern(Kind.IMAGE).sub(shown, subject.tree.html or ""))


def _place(subject: Subject, violation: Violation) -> str:
    try:
        node = subject.tree.css_first(violation.selector)
    except SelectolaxError:  # one of axe's own, that reaches into a frame
        node = None
    return subject.place(node, words_of(subject, node)) if node else subject.document.place("layout")


def _why(violation: Violation) -> str:
    # "Fix any of the following:", then a line for each.
    return " ".join(line.strip() for line in violation.why.splitlines()[1:2])
