"""Rows of an import: from the cells of a sheet to what is merged, or the reason why a row is refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import getitem, itemgetter, methodcaller

import orjson

from daisychain.csv_cells import unguard
from daisychain.sheets.sheet import Row
from lists.address_files import addresses_in
from lists.addresses import Address, AddressError, common_key, parse_address
from lists.cells import LONGEST_VALUE, CellCache, RowError, clean, language_code, printable, read_date, split_name
from lists.columns import Columns
from lists.likely_typos import meant_domain
from lists.merging import NOTHING
from lists.opt_outs.opt_out_columns import OptOutColumn, answers_column
from lists.opt_outs.opt_out_words import (
    ASK,
    LEFT,
    NEVER,
    cell_kind,
    foreign_answer,
    has_quick_word,
    is_mention,
    is_ordinary,
    is_phrase,
)

_MOST_WARNINGS = 100  # different ones of a kind
_MOST_KNOWN = 10_000  # domains that need no second look
_escaped = methodcaller("replace", "\\", r"\\")  # as COPY takes printable text


class RowReading:
    """Reads the rows of one sheet into what COPY takes; a million times, so it spares every step it can.

    Most cells, such as towns, are in many rows and mean the same in each: every column has a cache of their values.
    A row with a cell that needs a closer look is read carefully.
    """

    def __init__(self, columns: Columns, collector: str = "") -> None:
        known = columns.known
        self._collector = collector  # of people without one of their own
        self.email = columns.email
        self.first_name = known.get("first_name")
        self.last_name = known.get("last_name")
        self.language = known.get("language")
        self.consented_at = known.get("consented_at")
        self.collected_by = known.get("collected_by")
        self.full_name = columns.full_name
        self.headings = columns.headings
        # In jsonb's own order of keys, so that PostgreSQL has nothing to sort.
        self.custom = tuple(sorted(columns.custom.items(), key=lambda item: (len(item[0]), item[0])))
        self.opt_outs = columns.opt_outs
        self.watched = columns.watched
        self._found: dict[int, OptOutColumn] = {}  # of the watched ones
        self._mentioned: Counter[str] = Counter()
        # Place → the values of those that so far hold nothing but yes and no.
        self._answers: dict[int, set[str]] = {
            place: set() for place, heading in self.watched.items()
            if place not in known.values() and not is_ordinary(heading)
        }  # fmt: skip
        self.objections = 0
        self._either = False
        self.latest = datetime.now(UTC) + timedelta(days=1)
        self._fine: set[str] = set()  # domains that are no typos, up to a number of them
        self._typed: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self.day_first = self._month_first = False
        self._places, self._caches = self._quick_columns()

    def _quick_columns(self) -> tuple[Callable[[Sequence[str]], Sequence[str]], list[CellCache]]:
        """Return what takes the cells of a row in the order of merging.COPY, and the cache of each of them."""
        ways: list[tuple[int | None, Callable[[str], object]]] = [
            (self.first_name, _escaped), (self.last_name, _escaped), (self.language, self._quick_language),
            (self.consented_at, self._quick_time), (self.collected_by, lambda name: _copied(name or self._collector)),
            *((place, partial(self._quick_field, place, name)) for name, place in self.custom),
        ]  # fmt: skip
        if self.full_name is not None:
            ways[:2] = [
                (self.full_name, lambda name: _escaped(split_name(name)[0])),
                (self.full_name, lambda name: _escaped(split_name(name)[1])),
            ]
        used = {place for place, _ in ways}
        ways += [(place, partial(self._quick_field, place, "")) for place in self.watched if place not in used]
        # A column that the sheet lacks is the empty cell that `read` puts behind each row.
        return itemgetter(*(-1 if place is None else place for place, _ in ways)), [CellCache(way) for _, way in ways]

    def read(self, row: Row) -> str:
        """Return the row as merging.COPY takes it; raises RowError."""
        line, raw, problem = row
        if problem:
            raise RowError(problem)
        written = raw[self.email].strip(" ")
        key = common_key(written)
        if key is None or not (together := " ".join(raw)).isprintable() or len(together) > LONGEST_VALUE:
            return copy_line(self._read_carefully(line, raw))
        try:
            quick = map(getitem, self._caches, self._places([*raw, ""]))
            first, last, language, (time, doubt), collected_by, *custom = quick
        except RowError:
            return copy_line(self._read_carefully(line, raw))
        if self.opt_outs and (objection := self._objection(raw)):
            return copy_line(self._objecting(line, objection, written, key))
        if key[key.index("@") + 1 :] not in self._fine:
            self._look_at(key)
        return (
            f"{line}\t\\N\t{doubt}\t\\N\t{written}\t{key}\t{first}\t{last}\t{language}\t{time}\t{collected_by}"
            f"\t{{{''.join(custom)[1:]}}}\n"
        )

    def _read_carefully(self, line: int, raw: list[str]) -> tuple[object, ...]:
        """Read a row with all that may be odd about it; for any other row, `read` must return the same."""
        cells = clean(raw)
        for place in [*self._answers]:
            self._note_answer(place, cells[place])
        written = cells[self.email]
        key = common_key(written)
        if key is None:
            written, key = _address(written)
        if self.opt_outs and (objection := self._objection(raw)):
            return self._objecting(line, objection, written, key)
        if has_quick_word(" ".join(raw)):
            self._look_closely(cells)
        self._look_at(key)
        first = "" if self.first_name is None else cells[self.first_name]
        last = "" if self.last_name is None else cells[self.last_name]
        if self.full_name is not None:
            first, last = split_name(cells[self.full_name])
        time, doubt = (None, None) if self.consented_at is None else self._time(cells[self.consented_at])
        custom = {name: cells[place] for name, place in self.custom if cells[place]}
        return (
            line, None, doubt, None, written, key, first, last,
            "" if self.language is None else self._language(cells[self.language]),
            time, (self.collected_by is not None and cells[self.collected_by]) or self._collector,
            orjson.dumps(custom).decode() if custom else "{}",
        )  # fmt: skip

    def _objecting(self, line: int, objection: tuple[str, str], written: str, key: str) -> tuple[object, ...]:
        self.objections += 1
        return line, objection[1], None, objection[0], written, key, *NOTHING

    def refused(self, row: Row, why: str) -> Iterator[str]:
        """Yield a row that can't be used, for merging.COPY: a "no" for each address in it, or else the reason `why`.

        All but the first have a negative line, and are not counted.
        """
        line, raw, problem = row
        objection = self._objection_in_broken(raw) if problem else self._objection(raw)
        addresses = addresses_in(raw[self.email])[0] if objection and self.email < len(raw) else []
        if objection and not addresses and problem:
            addresses = [address for cell in raw for address in addresses_in(cell)[0]]
        if objection is None or not addresses:
            yield copy_line((line, why, None, None, None, None, *NOTHING))
            return
        self.objections += 1
        for place, address in enumerate(addresses):
            yield copy_line((-line if place else line, objection[1], None, objection[0], *address, *NOTHING))

    @property
    def questions(self) -> list[OptOutColumn]:
        """Return the columns that may have to be asked about."""
        answers = [
            answers_column(place, self.watched[place], values)
            for place, values in sorted(self._answers.items())
            if place not in self._found and any(map(foreign_answer, values))
        ]
        return [*self.opt_outs, *self._found.values(), *answers]

    def warnings(self) -> list[str]:
        """Return what a person should look at although it was imported."""
        warnings = [
            f"{number:,} at {domain}: was {meant_domain(domain)} meant?" for domain, number in self._typed.most_common()
        ]
        if self._languages:
            words = ", ".join(f"{word} ({number:,})" for word, number in self._languages.most_common(10))
            warnings.append(f"Languages that are not known were left empty: {words}. Write codes such as en or cy.")
        if self.full_name is not None:
            warnings.append("First and last names were taken from one column with whole names: check some of them.")
        warnings += [
            f"{heading}: {number:,} rows mention words such as “unsubscribed” or “deceased”. Look at them."
            for heading, number in self._mentioned.items()
        ]
        return warnings

    def _look_closely(self, cells: list[str]) -> None:
        """Note which other columns say, or mention in a sentence, that somebody must not be mailed."""
        for place, heading in self.watched.items():
            cell = cells[place]
            if is_phrase(cell):
                column = self._found.setdefault(place, OptOutColumn(place, heading, "anything"))
                column.judge(printable(cell))
                column.unclear += 1
            elif is_mention(cell):
                self._mentioned[heading] += 1

    def _quick_field(self, place: int, name: str, cell: str) -> str:
        self._note_answer(place, cell)
        return _member_of_json(name, cell) if name else ""

    def _note_answer(self, place: int, cell: str) -> None:
        if cell and place in self._answers:
            if cell_kind(cell) in {"yes", "no"}:
                self._answers[place].add(cell)
            elif cell_kind(cell) != "empty":
                del self._answers[place]

    def _objection_in_broken(self, cells: list[str]) -> tuple[str, str] | None:
        """As _objection, for a row whose cells may not be below their headings: only words count."""
        if not self.opt_outs:
            return None
        for cell in re.split(r"[,;\t|]", cells[0]) if len(cells) == 1 else cells:
            if (said := cell_kind(cell.strip(' "'))) in {LEFT, NEVER}:
                return said, f"not subscribed: the file says {printable(cell)}"
        return None

    def _objection(self, cells: list[str]) -> tuple[str, str] | None:
        """Return how strongly this row says that somebody must not be mailed, and in which words; None if not."""
        found: tuple[str, str] | None = None
        unclear = []
        for column in self.opt_outs:
            cell = unguard(" ".join(cells[column.place].split()))
            said = column.judge(cell)
            if said == ASK:
                unclear.append(column)
            elif said:
                column.objections += 1
                if found is None or (said == NEVER and found[0] != NEVER):
                    found = said, column.reason(printable(cell))
        if found is None:
            # There is nothing to ask about somebody who is not mailed anyway.
            for column in unclear:
                column.unclear += 1
        return found

    def _language(self, cell: str) -> str:
        code = language_code(cell)
        if code is None:
            _count(self._languages, cell)
        return code or ""

    def _quick_language(self, cell: str) -> str:
        if (code := language_code(cell)) is None:
            raise RowError("to be counted")
        return code

    def _look_at(self, key: str) -> None:
        domain = key[key.rindex("@") + 1 :]
        if domain in self._fine:
            return
        if meant_domain(domain):
            _count(self._typed, domain)
        elif len(self._fine) < _MOST_KNOWN:
            self._fine.add(domain)

    def _quick_time(self, cell: str) -> tuple[str, ...]:
        order = read_date(cell)[1] if cell else ""
        if order == "month first" or (order == "day first" and not self.day_first):
            raise RowError("to be noted")
        return tuple(map(_copied, self._time(cell)))

    def _time(self, cell: str) -> tuple[str | None, str | None]:
        """Return a date of consent, and the reason why it can't be used unless other rows have their day first."""
        if not cell:
            return None, None
        time, order = read_date(cell)
        if time is None:
            self._month_first = self._month_first or order == "month first"
            raise RowError(f"consent date: {cell} is not written like 2026-05-31")
        if time.year < 1970:
            raise RowError(f"consent date: {cell} is before 1970")
        if time > self.latest:
            raise RowError(f"consent date: {cell} is in the future")
        self.day_first = self.day_first or order == "day first"
        if order != "either":
            return str(time), None
        self._either = True
        return str(time), f"consent date: {cell} could be two days; write it like 2026-05-31"

    @property
    def doubtful_dates(self) -> bool:
        """Report whether there are dates such as 05/06/2026, and other rows show nothing, or both."""
        return self._either and (self._month_first or not self.day_first)


def copy_line(values: Iterable[object]) -> str:
    """Return a row as COPY takes it."""
    return "\t".join(map(_copied, values)) + "\n"


def _copied(value: object) -> str:
    if value is None:
        return r"\N"
    return str(value).replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def _count(counter: Counter[str], word: str) -> None:
    if word in counter or len(counter) < _MOST_WARNINGS:
        counter[word] += 1


def _member_of_json(name: str, cell: str) -> str:
    return "," + _escaped(orjson.dumps({name: cell})[1:-1].decode()) if cell else ""


def _address(cell: str) -> Address:
    # A spreadsheet's mark of a text is one apostrophe; a pair of them is somebody's quotation marks.
    if cell.startswith("'") and not cell.endswith("'"):
        cell = cell[1:]
    try:
        return parse_address(cell)
    except AddressError as problem:
        raise RowError(f"address: {problem}") from None
