"""The places with data of people, as each room declares them: read by exports of a person and by erasures."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# What an erasure does with a row: it goes, or a SET of SQL empties it, or it stays and `why` says why.
DELETE, STAYS = "delete", ""
MY_ADDRESS = "address_key = ANY (CAST(:keys AS text[]))"


class DataSubject(NamedTuple):
    """The person whose data is looked for: the member, if there is one, and the keys of all addresses known of them."""

    member: int | None
    keys: list[str]


@dataclass(frozen=True)
class Held:
    """Rows of a table that are about one person.

    `theirs` is the SQL condition that finds them, by `:member` and `:keys`, and by `theirs(id)`, a temporary table of
    the person's deliveries. `personal` names the columns with data of people. `shown` is what an export selects.
    """

    table: str
    title: str
    personal: str
    theirs: str
    erased: str = DELETE
    why: str = ""
    shown: str = ""

    def select(self) -> str:
        """Return SQL for the rows as an export shows them."""
        return self.shown or f"SELECT {', '.join(self.personal.split())} FROM {self.table} WHERE {self.theirs}"

    def erase(self) -> str:
        """Return SQL that erases them; empty if they stay."""
        if self.erased == STAYS:
            return ""
        doing = f"DELETE FROM {self.table}" if self.erased == DELETE else f"UPDATE {self.table} SET {self.erased}"
        return f"{doing} WHERE {self.theirs}"
