"""A question as a tree; equal questions are equal trees (`at`, the character, is not compared)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

# What is known of a membership rather than of a member; a list's own field of that name is `member.joined`.
DATES = ("joined", "consented")
OF_MEMBERSHIP = (*DATES, "consent", "organisation")
# Words with which a condition begins, or that join conditions: a field of that name is written `member.on`.
RESERVED = ("and", "or", "not", "empty", "on", "agreed", "opened", "clicked", "was")
EXPLICIT = "member."


def spelled(field: str) -> str:
    """Return how a member's field is written in a question."""
    return f"{EXPLICIT}{field}" if field in (*RESERVED, *OF_MEMBERSHIP) else field


How = Literal["is", "is empty", "contains", "in", "<", "<=", ">", ">=", "before", "after", "in last", "ago"]
Unit = Literal["day", "week", "month", "year"]


@dataclass(frozen=True)
class Period:
    """A length of time, such as 30 days."""

    count: int
    unit: Unit


Value = str | Decimal | date | Period


@dataclass(frozen=True)
class FieldTest:
    """A test of one subject: a field, or one of OF_MEMBERSHIP. `ago` means before the span began."""

    subject: str
    how: How
    values: tuple[Value, ...] = ()
    at: int = field(default=0, compare=False)

    @property
    def field(self) -> str:
        """Return the member's field that this is about; empty if it is about their membership."""
        return "" if self.subject in OF_MEMBERSHIP else self.subject.removeprefix(EXPLICIT)


@dataclass(frozen=True)
class OnList:
    """Whether somebody is subscribed to another list."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class AgreedToTracking:
    """Whether somebody agreed that their reading is recorded."""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Engaged:
    """A thing that somebody did with the last campaigns to the list, or all of them if `campaigns` is None.

    Clicks may be only of the links whose address or text contains `link`.
    """

    what: Literal["opened", "clicked", "was sent"]
    campaigns: int | None
    link: str = ""
    at: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Negated:
    """The opposite of a question."""

    part: Question


@dataclass(frozen=True)
class AllOf:
    """Questions that must all hold."""

    parts: tuple[Question, ...]


@dataclass(frozen=True)
class AnyOf:
    """Questions of which one must hold."""

    parts: tuple[Question, ...]


Question = FieldTest | OnList | AgreedToTracking | Engaged | Negated | AllOf | AnyOf


def conditions_of(question: Question) -> Iterator[FieldTest | OnList | AgreedToTracking | Engaged]:
    """Yield the conditions of a question, as they are written."""
    if isinstance(question, AllOf | AnyOf):
        for part in question.parts:
            yield from conditions_of(part)
    elif isinstance(question, Negated):
        yield from conditions_of(question.part)
    else:
        yield question
