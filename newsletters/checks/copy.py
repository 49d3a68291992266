"""Copy: whether each block is meant for email, and whether HTML and plain text say the same."""

from __future__ import annotations

from collections.abc import Iterator

from newsletters.checks.finding import Finding, Subject
from newsletters.parity import parity


def check(subject: Subject) -> Iterator[Finding]:
    """Findings about the copy blocks used, and about the two parts of the mail."""
    for use in subject.email.copy_blocks:
        block = subject.toolkit.copy.get(use.id)
        if block is not None and "email" not in block.channels:
            yield Finding(
                "copy-channel", "warning", subject.place_of(f"copy {use.id}"),
                f"The copy block {use.id!r} is meant for {', '.join(block.channels)}, not for email.",
                "It was not written, nor approved, with an inbox in mind.", "Take a block whose channels have email.",
            )  # fmt: skip
    found = parity(subject.email)
    for part, other, links, fields in (
        ("HTML", "plain text", found.links_in_html, found.fields_in_html),
        ("plain text", "HTML", found.links_in_text, found.fields_in_text),
    ):
        missing = [*(subject.email.mint.strip(link) for link in links), *(f"member.{name}" for name in fields)]
        if missing:
            yield Finding(
                "copy-parity", "warning", subject.document.file,
                f"Only the {part} has {', '.join(missing)}.",
                "Readers of either must find the same.", f"Look at the {other} in the preview.",
            )  # fmt: skip
