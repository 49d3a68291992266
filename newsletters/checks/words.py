"""Words: what readers see before they open, and what should not be seen by anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletters.checks.finding import Finding, Subject

LONGEST_SUBJECT = 60
LONGEST_PREHEADER = 120

_PLACEHOLDER = re.compile(
    r"\blorem ipsum\b|\bTODO\b|\bTBC\b|\bFIXME\b|\bXXX+\b|\binsert \w+ here\b|\[(?:your|insert)\b[^\]]*\]",
    re.IGNORECASE,
)


def check(subject: Subject) -> Iterator[Finding]:
    """Findings about subject, preheader and text."""
    document = subject.document
    line, preheader = subject.email.subject, subject.email.preheader
    if not line:
        yield Finding(
            "words-no-subject", "error", document.place("subject"), "The subject is missing.",
            "It is what most people decide by whether to open.", "Add `subject:` to the front matter.",
        )  # fmt: skip
    elif (length := _length(subject, line)) > LONGEST_SUBJECT:
        yield Finding(
            "words-long-subject", "warning", document.place("subject"), f"The subject is {length} characters long.",
            "Phones show about 40, most programs about 60.", f"Say it in {LONGEST_SUBJECT}, the first words first.",
        )  # fmt: skip
    if line and line.upper() == line and line.lower() != line:
        yield Finding(
            "words-shouting", "warning", document.place("subject"), "The subject is all capitals.",
            "It reads as shouting, and filters count it against the mail.", "Write it as a sentence.",
        )  # fmt: skip
    if not preheader:
        yield Finding(
            "words-no-preheader", "warning", document.place("preheader"), "The preheader is missing.",
            "Inboxes show it after the subject; without one they show the first words of the mail.",
            "Add `preheader:` to the front matter, a sentence that goes on from the subject.",
        )  # fmt: skip
    elif preheader == line:
        yield Finding(
            "words-same-preheader", "warning", document.place("preheader"), "The preheader repeats the subject.",
            "The inbox would say the same twice.", "Say something that goes on from the subject.",
        )  # fmt: skip
    elif (length := _length(subject, preheader)) > LONGEST_PREHEADER:
        yield Finding(
            "words-long-preheader", "hint", document.place("preheader"), f"The preheader is {length} characters long.",
            "Inboxes cut it off at about 90 to 120.", "Put what matters first.",
        )  # fmt: skip
    yield from _placeholders(subject)


def _placeholders(subject: Subject) -> Iterator[Finding]:
    seen = set()
    for part, key in (
        (subject.email.subject, "subject"),
        (subject.email.preheader, "preheader"),
        (subject.email.text, ""),
    ):
        for match in _PLACEHOLDER.finditer(part):
            if match[0] not in seen:
                seen.add(match[0])
                yield Finding(
                    "words-placeholder", "error", subject.document.place(key) if key else subject.place_of(match[0]),
                    f"{match[0]!r} looks like text that was to be replaced.", "Readers would see it.", "Replace it.",
                )  # fmt: skip


def _length(subject: Subject, text: str) -> int:
    # Every condition's words count once, each value as much as a first name.
    values = len(subject.email.mint.pattern("S").findall(text))
    return len(subject.email.mint.strip(text)) + 6 * values
