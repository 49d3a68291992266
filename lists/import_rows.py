"""Rows of an import: from the cells of a sheet to what is merged, or the reason why a row is refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson

from daisychain.csv_cells import unguard
from daisychain.missing_values import MISSING
from daisychain.sheets.sheet import Row
from daisychain.terminal_text import CONTROLS
from lists.address_files import addresses_in
from lists.addresses import Address, AddressError, common_key, parse_address
from lists.cells import is_text_mark, language_code, read_date, split_name
from lists.columns import Columns
from lists.likely_typos import meant_domain
from lists.merging import NOTHING
from lists.opt_outs.opt_out_columns import OptOutColumn
from lists.opt_outs.opt_out_words import ASK, LEFT, NEVER, cell_kind, is_mention, is_phrase, quick_words

LONGEST_VALUE = 2_000  # characters
_MOST_WARNINGS = 100  # different ones of a kind
_MOST_KNOWN = 10_000  # domains and languages that need no second look


class RowError(ValueError):
    """A row can't be used; the message is its reason in the file of refused rows, "kind: details"."""


class RowReading:
    """Reads the rows of one sheet into what COPY takes; a million times, so it spares every step it can."""

    def __init__(self, columns: Columns) -> None:
        known = columns.known
        self.email = columns.email
        self.first_name = known.get("first_name")
        self.last_name = known.get("last_name")
        self.language = known.get("language")
        self.consented_at = known.get("consented_at")
        self.collected_by = known.get("collected_by")
        self.full_name = columns.full_name
        self.headings = columns.headings
        self.custom = tuple(columns.custom.items())
        self.opt_outs = columns.opt_outs
        self.watched = columns.watched
        self._quick_words = quick_words()
        self._found: dict[int, OptOutColumn] = {}  # of the watched ones
        self._mentioned: Counter[str] = Counter()
        self.objections = 0
        self.latest = datetime.now(UTC) + timedelta(days=1)
        self._fine: set[str] = set()  # domains that are no typos, up to a number of them
        self._codes: dict[str, str] = {}
        self._typed: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self.day_first = self._month_first = False

    def read(self, row: Row) -> tuple[object, ...]:
        """Return the row in the order of merging.COPY; raises RowError."""
        line, raw, problem = row
        if problem:
            raise RowError(problem)
        cells, together = _clean(raw)
        written = cells[self.email]
        key = common_key(written)
        if key is None:
            written, key = _address(written)
        if self.opt_outs and (objection := self._objection(raw)):
            self.objections += 1
            return line, objection[1], None, objection[0], written, key, *NOTHING
        together = together.lower()
        for word in self._quick_words:  # a search for all at once takes ten times as long
            if word in together:
                self._look_closely(cells)
                break
        domain = key[key.rindex("@") + 1 :]
        if domain not in self._fine:
            self._look_at(domain)
        first = "" if self.first_name is None else cells[self.first_name]
        last = "" if self.last_name is None else cells[self.last_name]
        if self.full_name is not None:
            first, last = split_name(cells[self.full_name])
        time, doubt = (None, None) if self.consented_at is None else self._time(cells[self.consented_at])
        custom = {name: cells[place] for name, place in self.custom if cells[place]}
        return (
            line, None, doubt, None, written, key, first, last,
            "" if self.language is None else self._language(cells[self.language]),
            time, "" if self.collected_by is None else cells[self.collected_by],
            orjson.dumps(custom).decode() if custom else "{}",
        )  # fmt: skip

    def refused(self, row: Row, why: str) -> Iterator[tuple[object, ...]]:
        """Yield a row that can't be used for merging.COPY: a "no" for each address in it, or else the reason `why`.

        All but the first have a negative line, and are not counted.
        """
        line, raw, problem = row
        objection = self._objection_in_broken(raw) if problem else self._objection(raw)
        addresses = addresses_in(raw[self.email])[0] if objection and self.email < len(raw) else []
        if objection and not addresses and problem:
            addresses = [address for cell in raw for address in addresses_in(cell)[0]]
        if objection is None or not addresses:
            yield line, why, None, None, None, None, *NOTHING
            return
        self.objections += 1
        for place, address in enumerate(addresses):
            yield -line if place else line, objection[1], None, objection[0], *address, *NOTHING

    @property
    def questions(self) -> list[OptOutColumn]:
        """Return the columns that may have to be asked about."""
        return [*self.opt_outs, *self._found.values()]

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
                column.judge(_printable(cell))
                column.unclear += 1
            elif is_mention(cell):
                self._mentioned[heading] += 1

    def _objection_in_broken(self, cells: list[str]) -> tuple[str, str] | None:
        """As _objection, for a row whose cells may not be below their headings: only words count."""
        if not self.opt_outs:
            return None
        for cell in re.split(r"[,;\t|]", cells[0]) if len(cells) == 1 else cells:
            if (said := cell_kind(cell.strip(' "'))) in {LEFT, NEVER}:
                return said, f"not subscribed: the file says {_printable(cell)}"
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
                    found = said, column.reason(_printable(cell))
        if found is None:
            # There is nothing to ask about somebody who is not mailed anyway.
            for column in unclear:
                column.unclear += 1
        return found

    def _language(self, cell: str) -> str:
        if known := self._codes.get(cell):
            return known
        code = language_code(cell)
        if code is None:
            _count(self._languages, cell)
        elif len(self._codes) < _MOST_KNOWN:
            self._codes[cell] = code
        return code or ""

    def _look_at(self, domain: str) -> None:
        if meant_domain(domain):
            _count(self._typed, domain)
        elif len(self._fine) < _MOST_KNOWN:
            self._fine.add(domain)

    def _time(self, cell: str) -> tuple[datetime | None, str | None]:
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
        return time, f"consent date: {cell} could be two days; write it like 2026-05-31" if order == "either" else None

    @property
    def doubtful_dates(self) -> bool:
        """Report whether nothing, or both, is shown by other rows for dates such as 05/06/2026."""
        return self._month_first or not self.day_first


def _count(counter: Counter[str], word: str) -> None:
    if word in counter or len(counter) < _MOST_WARNINGS:
        counter[word] += 1


def _printable(cell: str) -> str:
    return " ".join(CONTROLS.sub(" ", cell).split())[:200]


def _clean(cells: list[str]) -> tuple[list[str], str]:
    """Return the cells, each on one line, without spaces around it, controls or guard against formulas; and all as one.

    Raises RowError.
    """
    together = " ".join(cells)
    if together.isprintable():
        cells = [cell.strip() for cell in cells]
    elif "\0" in together:
        raise RowError("cells: a NUL byte")
    else:
        cells = [" ".join(CONTROLS.sub(" ", cell).split()) for cell in cells]
    if len(together) > LONGEST_VALUE and max(map(len, cells)) > LONGEST_VALUE:
        raise RowError(f"cells: one is longer than {LONGEST_VALUE:,} characters")
    if "'" in together or '="' in together:
        cells = [cell[1:] if is_text_mark(cell) else unguard(cell) for cell in cells]
    return cells if MISSING.isdisjoint(cells) else ["" if cell in MISSING else cell for cell in cells], together


def _address(cell: str) -> Address:
    # A spreadsheet's mark of a text is one apostrophe; a pair of them is somebody's quotation marks.
    if cell.startswith("'") and not cell.endswith("'"):
        cell = cell[1:]
    try:
        return parse_address(cell)
    except AddressError as problem:
        raise RowError(f"address: {problem}") from None
