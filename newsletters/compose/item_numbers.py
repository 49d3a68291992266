"""Number the items of lists in plain text: after an item that only some people see, a number depends on the reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from newsletters.compiled import Tree
from newsletters.expressions.parse import Expressions, Found, Line
from newsletters.expressions.trees import both
from newsletters.tokens import Kind, conditions_in

# A number is decided by all of them: each item more makes every number after it longer.
MOST_CONDITIONAL = 300

# A condition's index, and whether its else part is meant; a path is the parts that an item is in.
Step = tuple[int, bool]
Path = tuple[Step, ...]
# Given a number, and the parts that each count one more if a reader sees them: the number as text, or as a token.
WriteNumber = Callable[[int, Sequence[Path]], str]


def number_writer(expressions: Expressions, line: Line) -> WriteNumber:
    """Return a function that writes numbers; `line` is where the list's author wrote it."""

    def write(number: int, seen: Sequence[Path]) -> str:
        if not seen:
            return str(number)
        if len(seen) > MOST_CONDITIONAL:
            raise line.wrong(
                f"More than {MOST_CONDITIONAL} items of this list are only for some people.", "Begin another list."
            )
        tests = [reduce(both, (_test(step, expressions) for step in path)) for path in seen]
        expressions.slots.append(Found(["count", number, *tests], line.file, line.number))
        return expressions.mint.write(Kind.EXPRESSION, len(expressions.slots) - 1)

    return write


def _test(step: Step, expressions: Expressions) -> Tree:
    test = expressions.conditions[step[0]].test
    return ["not", test] if step[1] else test


class ItemNumbers:
    """Numbers the items of one list in order, and follows the conditions between them."""

    def __init__(self, start: int, write: WriteNumber) -> None:
        self._number = start
        self._write = write
        self._path: Path = ()
        self._before: list[Path] = []  # of the items that not everybody sees

    def follow(self, text: str) -> None:
        """Enter and leave the conditions whose tokens are in `text`."""
        for token in conditions_in(text):
            if token.kind is Kind.BEGIN:
                self._path = (*self._path, (token.index, False))
            elif token.kind is Kind.OTHERWISE:
                self._path = (*self._path[:-1], (token.index, True))
            else:
                self._leave(self._path[:-1], token.index)

    def _leave(self, outer: Path, index: int) -> None:
        yes, no = ((*outer, (index, other)) for other in (False, True))
        for _ in range(min(self._before.count(yes), self._before.count(no))):  # everybody sees one of the two
            self._before.remove(yes)
            self._before.remove(no)
            self._add(outer)
        self._path = outer

    def _add(self, path: Path) -> None:
        if path:
            self._before.append(path)
        else:
            self._number += 1

    def next(self) -> str:
        """Return the number of the next item."""
        apart = [tuple(step for step in each if step not in self._path) for each in self._before]
        unseen = {(index, not other) for index, other in self._path}
        seen = [each for each in apart if each and unseen.isdisjoint(each)]
        number = self._write(self._number + apart.count(()), seen)
        self._add(self._path)
        return number
