"""Copy: whether each block is meant for email and will last, and whether HTML and plain text say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.checks.html_text_parity import parity

CHANNEL = Code(
    "copy-channel", "warning", "A copy block that is not meant for email",
    why="It was not written, nor approved, with an inbox in mind.", fix="Take a block whose channels have email.",
)  # fmt: skip
EXPIRES = Code(
    "copy-expires", "warning", "A copy block that expires within a week",
    why="A mail that is scheduled, or read late, would say something that is no longer true.",
    fix="Send it before that day, or take a block that lasts longer.",
)  # fmt: skip
PARITY = Code(
    "copy-parity", "warning", "A link or field that is only in the HTML, or only in the plain text",
    why="Readers of both must find the same.", fix="Compare both in the preview.",
)  # fmt: skip

SOON = 7  # days


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about the copy blocks used, and about the two parts of the mail."""
    for use in subject.email.copy_blocks:
        place = subject.place_of(f"copy {use.id}")
        block = subject.toolkit.copy.get(use.id)
        if block is not None and "email" not in block.channels:
            channels = ", ".join(block.channels)
            yield CHANNEL.at(place, f"The copy block {use.id!r} is meant for {channels}, not for email.")
        if use.expires and (left := (date.fromisoformat(use.expires) - subject.today).days) <= SOON:
            when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
            yield EXPIRES.at(place, f"The copy block {use.id!r} expires {when}, on {use.expires}.")
    yield from _one_sided(subject)


def _one_sided(subject: Subject) -> Iterator[Finding]:
    found = parity(subject.email)
    for part, other, links, fields in (
        ("HTML", "plain text", found.links_in_html, found.fields_in_html),
        ("plain text", "HTML", found.links_in_text, found.fields_in_text),
    ):
        missing = [*(subject.plain(link) for link in links), *(f"member.{name}" for name in fields)]
        if missing:
            yield PARITY.at(
                subject.place_of(missing[0]),
                f"Only the {part} has {', '.join(missing)}.",
                fix=f"Look at the {other} in the preview.",
            )
