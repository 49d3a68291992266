"""A list's people held in memory, as `newsletters.people.People` describes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping


class Crowd:
    """People given as mappings of fields."""

    def __init__(
        self, *members: Mapping[str, str], name: str = "news", basis: str = "consent", problem: str = ""
    ) -> None:
        self.name = name
        self._members = members
        self._basis = basis
        self._problem = problem or ("unknown" if basis == "unknown" else "")

    def sender(self) -> tuple[str, str]:
        return f"{self.name} <{self.name}@a.org>", ""

    def count(self) -> int:
        return len(self._members)

    def fields(self) -> set[str]:
        return {field for member in self._members for field, value in member.items() if value}

    def empty(self, field: str) -> int:
        return sum(not member.get(field) for member in self._members)

    def values(self, field: str, pattern: str) -> Mapping[str, int]:
        found = Counter(member.get(field, "") for member in self._members if re.search(pattern, member.get(field, "")))
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def basis(self) -> Mapping[str, int]:
        return {self._basis: len(self._members)}

    def basis_problems(self) -> Mapping[str, int]:
        return {self._problem: len(self._members)} if self._problem and self._members else {}

    def longest(self, field: str) -> str:
        return max((member.get(field, "") for member in self._members), key=len, default="")

    def member(self, email: str) -> Mapping[str, str] | None:
        return next((member for member in self._members if member.get("email") == email), None)

    def sample(self) -> Mapping[str, str] | None:
        return self._members[0] if self._members else None

    def languages(self) -> Mapping[str, int]:
        return Counter(member.get("language", "") for member in self._members)

    def speaking(self, codes: Collection[str]) -> Crowd:
        return Crowd(*(member for member in self._members if member.get("language", "") in codes), name=self.name)
