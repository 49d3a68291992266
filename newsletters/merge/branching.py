"""The conditions of one compiled email: what belongs to each, and how all of them come out for a member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from newsletters.compiled import CompiledEmail
from newsletters.expressions.evaluate import Formulas
from newsletters.tokens import CONDITIONALS, Kind, Token


class Conditions:
    """The tests of one email; `fields` are the member's fields that they read."""

    def __init__(self, email: CompiledEmail) -> None:
        formulas = Formulas(email.mint.mark)
        tests = [f"not not {formulas.value(row.test)}, " for row in email.conditions]
        self._filled = formulas.function([f"return ({''.join(tests)})"])
        self.fields = sorted({field for row in email.conditions for field in row.fields})

    def outcomes(self, member: Mapping[str, Any]) -> tuple[bool, ...]:
        """Return whether each test holds for a member."""
        found: tuple[bool, ...] = self._filled(member.get, "")
        return found

    def shared(self, members: Iterable[Mapping[str, Any]]) -> tuple[bool, ...] | None:
        """Return the outcomes if they are the same for all members; None if they differ, or there is nobody."""
        found: tuple[bool, ...] | None = None
        for member in members:
            own = self.outcomes(member)
            if found is not None and own != found:
                return None
            found = own
        return found


def branches(items: list[str | Token], begin: int) -> tuple[list[str | Token], list[str | Token], int]:
    """Return the items from BEGIN at `begin` to its OTHERWISE, those from there to its END, and END's position."""
    first = items[begin]
    index = first.index if isinstance(first, Token) else -1
    split = None
    for end in range(begin + 1, len(items)):
        item = items[end]
        if isinstance(item, Token) and item.kind in CONDITIONALS and item.index == index:
            if item.kind is Kind.END:
                return items[begin + 1 : split or end], items[split + 1 : end] if split else [], end
            split = end
    raise ValueError(f"condition {index} is not closed")
