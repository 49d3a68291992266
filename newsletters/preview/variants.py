"""Variants: the mails that different people get of one compiled email, of which one person sees only one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from newsletters.compiled import CompiledEmail, Condition
from newsletters.people import People

Member = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """An email with the values of one reader, real or made up; `key` names it in files, empty for the first."""

    key: str
    title: str
    words: str
    email: CompiledEmail
    member: Member


def variants(email: CompiledEmail, member: Member | None, people: People | None) -> Iterator[Variant]:
    """Yield the email as `member` gets it, then as others might; some may turn out to read the same."""
    first = dict(member or {})
    yield Variant("", _title(first), _words(first), email, first)
    if people:
        longest = first | {field: people.longest(field) for field in email.fields}
        yield Variant(
            "longest", "The longest values", "Each field with the longest value that anybody on the list has.",
            email, longest,
        )  # fmt: skip
    if first:
        yield Variant("empty", "No values at all", "Somebody with an address and no other values.", email, {})
    if email.conditions:
        for key, title, holds in (("with", "With every part", True), ("without", "Without the parts for some", False)):
            words = f"As if each of the {len(email.conditions)} conditions {'held' if holds else 'failed'}."
            yield Variant(key, title, words.replace("each of the 1 conditions", "its condition"),
                          _settled(email, holds=holds), first)  # fmt: skip


def _settled(email: CompiledEmail, *, holds: bool) -> CompiledEmail:
    """Return the email with every condition decided; an if, elif, else is several, of which the first then shows."""

    def settled(condition: Condition) -> Condition:
        return replace(condition, test=["const", holds], fields=())

    return replace(email, conditions=tuple(map(settled, email.conditions)))


def _title(member: Member) -> str:
    name = " ".join(str(member[key]) for key in ("first_name", "last_name") if member.get(key))
    return f"As {name or member['email']} gets it" if name or member.get("email") else "As it is without a reader"


def _words(member: Member) -> str:
    if not member:
        return "No reader was chosen, so every default shows."
    return f"With the values of {member.get('email') or 'somebody on the list'}."
