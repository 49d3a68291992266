"""Planted mistakes: for each code a newsletter that has just that one, and one like it that has not."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from newsletters.checks.finding import Finding, Subject
from newsletters.checks.reachable import Reach
from newsletters.compose.compiler import Compilation
from newsletters.people import People
from tests.newsletters.compiling import compiled

TODAY = date(2027, 5, 3)  # a Monday

# Given a code, the findings of its family; a newsletter's, or whatever else shows them.
Look = Callable[[str], list[Finding]]


@dataclass(frozen=True)
class Planted:
    """A code, a look that finds it and one that does not.

    `place` is where it must be found, as `file:line` or only a line of may.md, whose body begins on line 6; `says` is
    a part of its message.
    """

    code: str
    appears: Look
    stays_away: Look
    place: str | int = ""
    says: str = ""


def newsletter(
    body: str = "Hello",
    *,
    people: People | None = None,
    today: date = TODAY,
    online: Reach | None = None,
    deep: bool = False,
    change: Callable[[Any], Any] = lambda compilation: compilation,
    **options: Any,
) -> Look:
    """A look at what the family of a code finds in a newsletter; `options` are those of `compiled`.

    `change` alters the compilation, for what no document can make.
    """

    def look(code: str) -> list[Finding]:
        family = importlib.import_module(f"newsletters.checks.{code.partition('-')[0]}")
        fields = frozenset({"city", "role"})
        compilation = change(compiled(body, **{"list_fields": fields, "today": today, **options}))
        return list(family.check(Subject(compilation, people, today, online, deep)))

    return look


def rewritten(old: str, new: str) -> Callable[[Compilation], Compilation]:
    """A compilation whose MJML has `new` in each place of `old`, as another layout or block would have written it."""

    def change(compilation: Compilation) -> Compilation:
        assert old in compilation.mjml
        return replace(compilation, mjml=compilation.mjml.replace(old, new))

    return change
