"""Keep tables and lists in one piece around lines of conditions.

A line of {% if %}, {% else %} or {% endif %} between rows of a table or items of a list would end it. It becomes a row,
or an item, that holds nothing else; `markdown` takes the row away and leaves the condition.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Line
from newsletters.tokens import CONDITIONALS, Kind, Mint, Token

_ITEM = re.compile(r"(?P<indent>[ \t>]*)(?P<marker>[-*+]|\d{1,9}[.)])(?=\s+\S)(?!(?:\s*[-*]){2,}\s*$)")
_ROW = re.compile(r"[ \t>]*\|.*\|\s*")
_DELIMITER = re.compile(r"[ \t>]*+\|?\s*+:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BREAK = re.compile(r"[ \t>]{0,3}(?::{3,}|#{1,6}\s|`{3,}|~{3,}|<)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_INSIDE = re.compile(r"\s{2,}\S|>")


@dataclass
class _Condition:
    """A condition by the numbers of its lines."""

    lines: list[int] = field(default_factory=list)  # of {% if %}, {% else %} and {% endif %}
    begun: bool = False
    closed: bool = False


def kept_together(lines: Sequence[Line], mint: Mint, mistakes: Mistakes) -> list[Line]:
    """Return `lines` with conditions between rows and items as rows and items; raises InputError."""
    if mint.mark not in "".join(line.text for line in lines):
        return list(lines)
    return _Keeper(lines, mint, mistakes).kept()


def _is_condition(piece: str | Token) -> bool:
    return isinstance(piece, Token) and piece.kind in CONDITIONALS


def _kind(item: re.Match[str]) -> tuple[str, str]:
    return item["indent"], item["marker"][-1]


class _Keeper:
    def __init__(self, lines: Sequence[Line], mint: Mint, mistakes: Mistakes) -> None:
        self._mint = mint
        self._mistakes = mistakes
        self._token = re.compile(rf"[ \t>]*{mint.pattern('[BOE]').pattern}\s*")
        self._lines = [each for at in range(len(lines)) for each in self._apart(lines, at)]
        self._instead: dict[int, str | None] = {}

    def kept(self) -> list[Line]:
        at = 0
        while at < len(self._lines):
            if fence := _FENCE.match(self._text(at)):
                code = re.compile(rf"\s*{re.escape(fence[1])}+\s*")
                end = self._run(at + 1, lambda line, code=code: not code.fullmatch(self._text(line))) + 1  # type: ignore[misc]
            elif self._is_table(at):
                end = self._run(at + 2, self._in_table)
                self._table(at + 2, end)
            elif self._begins_list(at):
                end = self._run(at, self._in_list)
                self._list(at, end)
            else:
                end = at + 1
            at = max(end, at + 1)
        for number, text in [each for each in self._instead.items() if each[1]]:
            goes_on = re.compile(r".*\|") if text and text.endswith("|") else _ITEM
            for step in (-1, 1):  # a blank line beside it would end the table, or put space between the items
                beside = self._past_blanks(number + step, step)
                if beside in self._instead or goes_on.match(self._text(beside)):
                    self._instead |= dict.fromkeys(range(min(number, beside) + 1, max(number, beside)))
        written = ((self._instead.get(at, line.text), line) for at, line in enumerate(self._lines))
        return [replace(line, text=text) for text, line in written if text is not None]

    def _text(self, at: int) -> str:
        return self._lines[at].text if 0 <= at < len(self._lines) else ""

    def _apart(self, lines: Sequence[Line], at: int) -> Iterator[Line]:
        """Yield a line, in pieces if each is a condition's token, or a row or item behind one."""
        line = lines[at]
        prefix = line.text[: len(line.text) - len(line.text.lstrip(" \t>"))]
        pieces = [""]  # the first, third and so on are literals, the others tokens
        for each in self._mint.split(line.text[len(prefix) :]):
            text = each if isinstance(each, str) else each.text
            pieces[-1:] = [pieces[-1], text, ""] if _is_condition(each) else [pieces[-1] + text]
        held = [piece for piece in pieces[::2] if piece.strip()]
        near = [self._token.sub("", lines[each].text) for each in (at - 1, at + 1) if 0 <= each < len(lines)]
        kinds = (kind for kind in (_ROW.fullmatch, _ITEM.match) if all(map(kind, held)))
        torn = pieces[0].strip() and not _ROW.fullmatch(prefix + pieces[0])
        if len(pieces) == 1 or torn or not any(not held or any(map(kind, near)) for kind in kinds):
            yield line
        else:
            yield from (replace(line, text=prefix + piece.strip()) for piece in pieces if piece.strip())

    def _tokens(self, at: int) -> Token | None:
        """Return the token of a line that holds nothing else."""
        if not self._token.fullmatch(self._text(at)):
            return None
        return next((each for each in self._mint.split(self._text(at)) if isinstance(each, Token)), None)

    def _next(self, at: int) -> int:
        """Return the first line from `at` on that is neither blank nor a condition's."""
        while at < len(self._lines) and (self._tokens(at) or self._is_blank(at)):
            at += 1
        return at

    def _is_table(self, at: int) -> bool:
        below = self._text(at + 1)
        return "|" in self._text(at) and "|" in below and _DELIMITER.fullmatch(below) is not None

    def _in_table(self, at: int) -> bool:
        if self._tokens(at):
            return True
        if self._is_blank(at):  # the table goes on after it only beside a condition
            before, after = (self._past_blanks(at, step) for step in (-1, 1))
            return bool(self._tokens(before) or self._tokens(after)) and self._is_row(self._next(at))
        return self._is_row(at)

    def _is_row(self, at: int) -> bool:
        return "|" in self._text(at) and not _BREAK.match(self._text(at)) and not self._is_table(at)

    def _is_blank(self, at: int) -> bool:
        return not self._text(at).strip(" \t>")

    def _past_blanks(self, at: int, step: int) -> int:
        while 0 <= at < len(self._lines) and self._is_blank(at):
            at += step
        return at

    def _begins_list(self, at: int) -> bool:
        return bool(_ITEM.match(self._text(at)) or (self._tokens(at) and _ITEM.match(self._text(self._next(at)))))

    def _in_list(self, at: int) -> bool:
        text = self._text(at)
        if self._is_blank(at):
            following = self._text(self._next(at))
            return bool(_ITEM.match(following) or _INSIDE.match(following))
        lazy = not self._is_blank(at - 1) and not self._tokens(at - 1)
        return bool(self._tokens(at) or _ITEM.match(text) or _INSIDE.match(text) or (lazy and not _BREAK.match(text)))

    def _run(self, start: int, goes_on: Callable[[int], bool]) -> int:
        at = start
        while at < len(self._lines) and goes_on(at):
            at += 1
        return at

    def _conditions(self, start: int, end: int) -> list[_Condition]:
        """Return the conditions between two lines, each with its lines there."""
        found: dict[int, _Condition] = defaultdict(_Condition)
        for at in range(start, end):
            if token := self._tokens(at):
                condition = found[token.index]
                condition.lines.append(at)
                condition.begun |= token.kind is Kind.BEGIN
                condition.closed |= token.kind is Kind.END
        return list(found.values())

    def _table(self, start: int, end: int) -> None:
        for condition in self._conditions(start, end):
            if condition.begun and condition.closed:
                for at in condition.lines:
                    prefix, sign, token = self._text(at).rpartition(">")
                    self._instead[at] = f"{prefix}{sign} |{token.strip()}|".lstrip()
            elif torn := [at for at in condition.lines if self._is_row(self._next(at)) and self._next(at) < end]:
                with self._mistakes:
                    raise self._lines[torn[0]].wrong(
                        "This condition is partly inside a table and partly outside.",
                        "Put {% if %} and {% endif %} around whole rows, or around the whole table.",
                    )

    def _list(self, start: int, end: int) -> None:
        conditions = [each for each in self._conditions(start, end) if each.begun and each.closed]
        inside = {at for each in conditions for at in range(each.lines[0], each.lines[-1])}
        same: dict[tuple[str, str], list[int]] = defaultdict(list)  # the items of a list
        for at in range(start, end):
            if item := _ITEM.match(self._text(at)):
                same[_kind(item)].append(at)
        for condition in conditions:
            first, last = condition.lines[0], condition.lines[-1]
            item = _ITEM.match(self._text(self._next(first)))
            if item is None or not all(self._holds_items(at, last, item) for at in condition.lines[:-1]):
                continue
            beside = same[_kind(item)][0] < first or same[_kind(item)][-1] > last
            if item["marker"] in "-*+":  # a list of which everything may be missing is better missing as a whole
                beside = any(at not in inside for at in same[_kind(item)])
            if beside or self._is_deeper(item, start, first):
                for at in condition.lines:
                    token = self._text(at).strip(" \t>")
                    self._instead[at] = f"{item['indent']}{item['marker']} {token}"

    def _holds_items(self, at: int, last: int, first_item: re.Match[str]) -> bool:
        """Report whether a branch begins with such an item, or is empty, and nothing after it goes on with its text."""
        following = self._next(at)
        item = _ITEM.match(self._text(following))
        after = _ITEM.match(self._text(self._next(last)))
        ends = after is not None or not self._text(self._next(last)).strip() or not self._text(last + 1).strip()
        return ends and (following > last or (item is not None and _kind(item) == _kind(first_item)))

    def _is_deeper(self, item: re.Match[str], start: int, first: int) -> bool:
        above = (_ITEM.match(self._text(at)) for at in range(first - 1, start - 1, -1))
        found = next(filter(None, above), None)
        return found is not None and len(found["indent"]) < len(item["indent"])
