"""The people of a list, as a newsletter's checks and previews ask for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol, Self


class People(Protocol):
    """The people that one list would reach; `lists.list_people` implements it, a front door hands it over."""

    @property
    def name(self) -> str:
        """The list's name."""

    def sender(self) -> tuple[str, str]:
        """Return its sender, as in From, and the address for replies; empty if that is the same."""

    def count(self) -> int:
        """Count the people who may be mailed."""

    def fields(self) -> set[str]:
        """The fields that at least one of them has, the built-in ones included."""

    def empty(self, field: str) -> int:
        """For how many of them `field` is missing or empty."""

    def values(self, field: str, pattern: str) -> Mapping[str, int]:
        """Count the people by each value of `field` that a regular expression finds, the most first."""

    def basis(self) -> Mapping[str, int]:
        """Count the people who may be mailed on each ground, "unknown" if none was recorded."""

    def basis_problems(self) -> Mapping[str, int]:
        """Count the people whose basis can't hold, by why: see `PROBLEMS` of newsletters/checks/law.py."""

    def longest(self, field: str) -> str:
        """Return the longest value of `field`; empty if nobody has one."""

    def member(self, email: str) -> Mapping[str, Any] | None:
        """The merge inputs of the person with that address, or None."""

    def sample(self) -> Mapping[str, Any] | None:
        """Return the merge inputs of some person, or None if the list is empty."""

    def languages(self) -> Mapping[str, int]:
        """Count the people by language code, as written; an empty code if a person's language is unknown."""

    def speaking(self, codes: Collection[str]) -> Self:
        """Return only the people whose language is one of these codes; `fields` and `basis` stay the list's."""
