"""People, as far as newsletters need to know them: what is asked of a list when a newsletter is checked or shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol, Self


class People(Protocol):
    """The people whom one list would reach; the room of lists has one, a front door hands it over."""

    @property
    def name(self) -> str:
        """The list's name."""

    def sender(self) -> tuple[str, str]:
        """Whom its mail is from, as in From, and the address for replies; empty where that is the same."""

    def count(self) -> int:
        """How many people may be mailed."""

    def fields(self) -> set[str]:
        """The fields that at least one of them has, the built-in ones included."""

    def empty(self, field: str) -> int:
        """For how many of them `field` is missing or empty."""

    def basis(self) -> Mapping[str, int]:
        """How many on the list may be mailed on what ground, "unknown" where nobody wrote it down."""

    def longest(self, field: str) -> str:
        """The longest value of `field`; empty where nobody has one."""

    def member(self, email: str) -> Mapping[str, Any] | None:
        """The merge inputs of the person with that address, or None."""

    def sample(self) -> Mapping[str, Any] | None:
        """The merge inputs of some person, or None where the list is empty."""

    def languages(self) -> Mapping[str, int]:
        """How many of them have each language, as their codes are written; empty for those of whom it is not known."""

    def speaking(self, codes: Collection[str]) -> Self:
        """Those of them whose language is one of these codes; `fields` and `basis` stay those of all."""
