"""Size: mail that mailbox providers cut off or refuse, at the longest values on the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from newsletters.checks.finding import Code, Finding, Subject
from newsletters.compiled import CompiledEmail, Slot
from newsletters.compose.compiler import Compilation
from newsletters.documents.document import Document
from newsletters.merge.merge import KEY, LinkKeys, References, plan_merge
from newsletters.people import People
from newsletters.tokens import Kind

CLIPPED = Code(
    "size-clipped", "error", "HTML that Gmail would cut off",
    why="Gmail cuts mail off at about 102 kB, with the unsubscribe link at the end.",
    fix="Shorten it to under 80 kB: link to long texts instead of holding them.",
)  # fmt: skip
LARGE = Code(
    "size-large", "warning", "HTML that is close to Gmail's limit",
    why="Gmail cuts mail off at about 102 kB, and providers rewrite links to longer ones.",
    fix="Shorten it to under 80 kB: link to long texts instead of holding them.",
)  # fmt: skip
VALUES = Code(
    "size-values", "warning", "More personal values than SendGrid accepts",
    why="SendGrid accepts 10,000 bytes and 150 values a person; other providers may accept more.",
    fix="Put less inside {% if %}: mail long blocks that only some people see to a list of their own.",
)  # fmt: skip

WARN_BYTES = 80_000
MOST_BYTES = 100_000

# A provider replaces a tracked link by its own, with the old one inside.
REWRITTEN_LINK = 400
# What SendGrid documents for the values of one person.
MOST_VALUE_BYTES = 10_000
MOST_VALUES = 150

_KEYS = LinkKeys(*["k" * 22] * 5)
_HOST = "https://" + "h" * 42
_GUESS = "x" * 40


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about the size of the merged mail."""
    size = worst_size(subject.email, subject.people)
    if size > WARN_BYTES:
        code = CLIPPED if size > MOST_BYTES else LARGE
        yield code.at(subject.document.file, f"The HTML may grow to {size // 1000:,} kB, tracked links included.")
    values = _worst_values(subject)
    bytes_ = sum(len(tag) + len(value.encode()) for tag, value in values.items())
    if bytes_ > MOST_VALUE_BYTES or len(values) > MOST_VALUES:
        yield VALUES.at(subject.document.file, f"The personal values take {bytes_:,} bytes in {len(values)} values.")


def worst_case(compilation: Compilation, people: People | None) -> dict[str, Any]:
    """Return the largest mail that somebody could get: bytes of HTML, and the longest value of each slot."""
    slots = {(slot.file, slot.line, slot.fields): _longest(slot, people) for slot in compilation.email.slots}
    return {
        "html_bytes": worst_size(compilation.email, people),
        "slots": [
            {
                "place": f"{file}:{line}",
                "where": _where(compilation.document, file, line),
                "fields": list(fields),
                "longest": len(value),
            }
            for (file, line, fields), value in slots.items()
        ],
    }


def _where(document: Document, file: str, line: int) -> str:
    """Return a place in words, such as "in the subject"."""
    place = f"{file}:{line}"
    key = next((key for key in ("subject", "preheader") if document.place(key) == place), "")
    if key:
        return f"in the {key}"
    return f"in line {line}" if file == document.file else f"at {place}"


def worst_size(email: CompiledEmail, people: People | None) -> int:
    """Return the bytes of the longest HTML that somebody could get, with an allowance for rewritten links."""
    slots = {slot.index: slot for slot in email.slots}
    tracked = {link.index: len(link.url) + REWRITTEN_LINK if link.tracked else len(link.url) for link in email.links}
    stack = [[0]]
    for piece in email.mint.split(email.html):
        if isinstance(piece, str):
            stack[-1][-1] += len(piece.encode())
        elif piece.kind is Kind.BEGIN:
            stack.append([0])
        elif piece.kind is Kind.OTHERWISE:
            stack[-1].append(0)
        elif piece.kind is Kind.END:
            branches = stack.pop()
            stack[-1][-1] += max(branches)
        elif piece.kind is Kind.SLOT:
            stack[-1][-1] += len(_longest(slots[piece.index], people).encode())
        else:
            stack[-1][-1] += tracked.get(piece.index, 0) if piece.kind is Kind.LINK else len(_HOST) + 80
    return stack[0][0]


def _longest(row: Slot, people: People | None) -> str:
    return "".join(people.longest(field) if people else _GUESS for field in row.fields) or _GUESS


def _worst_values(subject: Subject) -> dict[str, str]:
    email = subject.email
    member = {field: subject.people.longest(field) if subject.people else _GUESS for field in email.fields}
    plan = plan_merge(email, _references())
    return max((plan.values(each, _KEYS) for each in (member, {})), key=lambda values: sum(map(len, values.values())))


def _references() -> References:
    return References(
        link=lambda link: f"{_HOST}/c/{KEY}/{link.index}" if link.tracked else link.url,
        image=lambda image: f"{_HOST}/i/{image.file_name}",
        unsubscribe=f"{_HOST}/u/{KEY}", view=f"{_HOST}/v/{KEY}", preferences=f"{_HOST}/preferences/{KEY}",
        pixel=f"{_HOST}/o/{KEY}.gif", public=_HOST,
    )  # fmt: skip
