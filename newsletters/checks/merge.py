"""Fields of members: known to the list, filled in for everybody, and nothing left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletters.checks.finding import Finding, Subject
from newsletters.compiled import CompiledEmail, Condition, Slot
from newsletters.document import MEMBER_FIELDS
from newsletters.people import People
from newsletters.tokens import Kind, Token
from newsletters.trees import holes, surely_present

# Of ours, of Mailchimp (whose asterisks Markdown takes for emphasis), of Mailgun.
_LEFT_OVER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\|[A-Z][A-Z_:]+\||%recipient\.\w+%")


def check(subject: Subject) -> Iterator[Finding]:
    """Findings about members' fields."""
    yield from _left_over(subject)
    if subject.people is None:
        if subject.email.fields:
            yield Finding(
                "merge-no-list", "hint", subject.document.file,
                f"It was not checked who has {_names(subject.email.fields)}: no list was named.",
                "A field that is empty leaves a hole in somebody's mail.",
                "Check again with --list LIST.",
            )  # fmt: skip
        return
    known = subject.people.fields() | MEMBER_FIELDS
    for field in subject.email.fields:
        if field not in known:
            place = _place(subject.email, field) or subject.document.place("fields")
            yield Finding(
                "merge-unknown-field", "error", place,
                f"Nobody on the list {subject.people.name!r} has the field {field!r}.",
                "It would be empty in every mail.",
                "Import it, or take it out of the newsletter.",
            )  # fmt: skip
    for hole, slot in unguarded(subject.email).items():
        yield from _empty(subject, subject.people, hole, slot)


def unguarded(email: CompiledEmail) -> dict[frozenset[str], Slot]:
    """The sets of fields that leave a hole where all of a set are empty, each with the first slot that shows it."""
    slots = {slot.index: slot for slot in email.slots}
    found: dict[frozenset[str], Slot] = {}
    for part in (email.subject, email.html, email.text):
        for slot, present in _shown(email, part, frozenset()):
            for hole in holes(slots[slot].expression, present):
                if hole:
                    found.setdefault(hole, slots[slot])
    return found


def _shown(email: CompiledEmail, text: str, present: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """The slots of `text`, each with the fields that can't be empty where it is shown."""
    tests = {row.index: row.test for row in email.conditions}
    links = {link.index: link.url for link in email.links}
    held = [present]
    for piece in email.mint.split(text):
        match piece:
            case Token(kind=Kind.BEGIN):
                held.append(held[-1] | surely_present(tests[piece.index]))
            case Token(kind=Kind.OTHERWISE):
                held[-1] = held[-2]
            case Token(kind=Kind.END):
                held.pop()
            case Token(kind=Kind.SLOT):
                yield piece.index, held[-1]
            case Token(kind=Kind.LINK):
                yield from _shown(email, links[piece.index], held[-1])


def _empty(subject: Subject, people: People, hole: frozenset[str], slot: Slot) -> Iterator[Finding]:
    fields = sorted(hole)
    # Where one of several fields is enough, no more people can lack all than lack the one that is filled best.
    empty, count = min(people.empty(field) for field in fields), people.count()
    if empty:
        yield Finding(
            "merge-empty-field", "error", f"{slot.file}:{slot.line}",
            f"{_names(fields)} is empty for {'up to ' if len(fields) > 1 else ''}{empty:,} of {count:,} people on the "
            "list, and has no default.",
            "Their mail would have a hole where the value should be.",
            f'Write {{{{ member.{fields[0]} | default("…") }}}}, or put {{% if member.{fields[0]} %}} round it.',
        )  # fmt: skip


def _left_over(subject: Subject) -> Iterator[Finding]:
    email = subject.email
    for part in (email.subject, email.html, email.text):
        if found := _LEFT_OVER.search(part):
            yield Finding(
                "merge-left-over", "error", subject.place_of(found[0]),
                f"{found[0]!r} would be sent as it stands.",
                "Readers would see the machinery of a merge field, often of another tool.",
                "Write it as {{ member.field }}, or take it out.",
            )  # fmt: skip
            return


def _place(email: CompiledEmail, field: str) -> str:
    rows: tuple[Slot | Condition, ...] = (*email.slots, *email.conditions)
    for row in rows:
        if field in row.fields:
            return f"{row.file}:{row.line}"
    return ""


def _names(fields: Iterable[str]) -> str:
    return ", ".join(repr(field) for field in fields)
