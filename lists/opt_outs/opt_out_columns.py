"""Columns that say who must not be mailed, and the question about those that are not clear.

A heading that is understood, with values that are understood, is followed. One that only suggests such a thing, or
has an unknown value, stops the import with a question, until --map answers it. So does any other column with a cell
such as "unsubscribed", or with nothing but yes and no in a language other than English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from daisychain.errors import InputError
from daisychain.slug import slug
from lists.opt_outs.opt_out_words import ASK, ELSEWHERE, LEFT, NEVER, cell_kind, heading_meaning, parts

# What a person can say of a column at --map.
MEANINGS = ("opt-out", "opt-in", "status", "words", "ignore")
MOST_VALUES = 1_000  # different ones that are counted of one column
_SHOWN = 12

_WORDS = {LEFT: LEFT, NEVER: NEVER}
_YES = dict.fromkeys(("yes", "date", "in", "agreed", "confirmed"), "")
# Meaning → what its cells say; ASK for any other cell.
_SAYS = {
    "opt-out": {**_WORDS, "no": "", "none": "", "in": ""},
    "opt-in": {**_WORDS, **_YES, "no": LEFT},
    "wish": {**_WORDS, **_YES, "no": LEFT},
    "status": {**_WORDS, **_YES, "date": ASK, "no": LEFT},
    "state": {**_WORDS, **_YES, "no": ""},
    "other status": {LEFT: ASK, NEVER: ASK},
    "perhaps in": {**_WORDS, **_YES},
    "perhaps out": {"no": "", "none": "", "in": ""},
    "suggests": _WORDS,
    "anything": {},
}

# In these a cell that is not known is about something else.
_ABOUT_ELSE = ("state", "other status", "wish")
_ANSWERS = {"yes", "no", LEFT, NEVER}


class OptOutColumn:
    """One such column: judges its cells, and counts them for the question."""

    def __init__(self, place: int, heading: str, meaning: str, strength: str = LEFT, *, named: bool = False) -> None:
        self.place = place
        self.heading = heading
        self.meaning = meaning
        self.strength = strength
        self.named = named  # by a person, so there is nothing to ask
        self.values: Counter[str] = Counter()
        self.unclear = self.objections = 0
        self._known: dict[str, str] = {}

    def is_field_too(self, sample: Iterable[str]) -> bool:
        """Report whether it may well be about something else, such as a county, and is kept as a field."""
        if self.meaning == "wish":  # or the name of a newsletter; names beside answers are asked about
            return not _ANSWERS & set(map(cell_kind, sample))
        return self.meaning in _ABOUT_ELSE

    def judge(self, cell: str) -> str:
        """Return what a cell says, and count it."""
        said = self._known.get(cell)
        if said is None:
            said = self._judge(cell)
            if len(self._known) < MOST_VALUES:
                self._known[cell] = said
        if len(self.values) < MOST_VALUES or cell in self.values:
            self.values[cell] += 1
        return said

    def reason(self, cell: str) -> str:
        """Return why a row is refused."""
        what = cell if self.meaning in {"status", "state"} else f"{self.heading}: {cell or '(empty)'}"
        return f"not subscribed: the file says {what}"

    def _judge(self, cell: str) -> str:
        if self.meaning == "words":
            kinds = {cell_kind(part) for part in parts(cell)}
            return next((said for said in (NEVER, LEFT) if said in kinds), "")
        kind = cell_kind(cell)
        if self.meaning == "opt-out" and kind in {"yes", "date"}:
            return self.strength
        if kind == "empty":
            return "" if self.named or self.meaning not in {"opt-in", "wish"} else ASK
        said = _SAYS[self.meaning].get(kind, "" if self.meaning in _ABOUT_ELSE else ASK)
        return LEFT if said == ASK and self.named else said

    @property
    def asks(self) -> bool:
        """Report whether a person must say what it means."""
        kinds = {cell_kind(value) for value in self.values} - {"empty"}
        if self.meaning == "state" and not self.named:
            # A county or a country's state, unless some cells are plainly about subscriptions.
            return bool(self.objections) and "" in kinds
        if self.meaning == "wish":
            return self.unclear > 0 and bool(kinds & _ANSWERS)
        return self.unclear > 0 and (self.meaning != "opt-in" or bool(kinds))


def opt_out_column(place: int, heading: str, meaning: str = "") -> OptOutColumn | None:
    """Return the column at `place` if its heading, or else a person's `meaning`, makes it one of these."""
    found, strength = heading_meaning(heading)
    if meaning or found not in {"", ELSEWHERE}:
        return OptOutColumn(place, heading, meaning or found, strength, named=bool(meaning))
    return None


def answers_column(place: int, heading: str, values: Iterable[str]) -> OptOutColumn:
    """Return a column of nothing but yes and no, in a language in which its heading may mean anything."""
    column = OptOutColumn(place, heading, "suggests")
    column.values = Counter(dict.fromkeys(values, 0))  # which there are; nobody counted them
    column.unclear = 1
    return column


class UnclearColumnsError(InputError):
    """Some columns may say who must not be mailed, and a person must say what they mean."""

    def __init__(self, columns: Sequence[OptOutColumn], path: Path) -> None:
        names = ", ".join(repr(column.heading) for column in columns)
        message = f"This may say who must not be mailed: {names}. Nothing was imported."
        super().__init__(message, file=path, line=1, hint="\n".join(map(_question, columns)))
        self.columns = columns


def require_understood(columns: Sequence[OptOutColumn], path: Path) -> None:
    """Raise UnclearColumnsError, with the values and the --map to type, for columns that need a person's answer."""
    if unclear := [column for column in columns if column.asks]:
        raise UnclearColumnsError(unclear, path)


def shown_values(column: OptOutColumn) -> str:
    """Return a column's values with how many cells have each; what is not understood comes first."""
    unclear = sorted(column.values.items(), key=lambda each: (column.judge(each[0]) != ASK, -each[1]))
    shown = ", ".join(
        f"{value or '(empty)'}" + (f" ({number:,})" if number else "") for value, number in unclear[:_SHOWN]
    )
    more = len(unclear) - _SHOWN
    return shown + (f", and {more:,} more" if more > 0 else "")


def answers(column: OptOutColumn) -> list[tuple[str, str]]:
    """Return what a person can say of a column, of MEANINGS, each in words."""
    says = [("words", "cells with a word such as unsubscribed or deceased mean: do not mail, the others nothing")]
    if column.meaning != "anything":
        says = [
            ("opt-out", "yes means: do not mail"), ("opt-in", "no means: do not mail"),
            ("status", "only words such as subscribed or active may be mailed"),
        ]  # fmt: skip
    return [*says, ("ignore", "it has nothing to do with mail")]


def _question(column: OptOutColumn) -> str:
    options = "\n".join(
        f'  --map "{column.heading}={meaning}"'.ljust(40) + f" {words}" for meaning, words in answers(column)
    )
    field = f"{slug(column.heading, '_') or 'column'}_text"[:60]
    kept = f'  --map "{field}={column.heading}" keeps it as a field only'
    return f"{column.heading}: {shown_values(column)}\n{options}\n{kept}"
