"""Files of addresses: a sheet with an address column, or a plain list.

`read_addresses` is for people to mail: a row that is not exactly one address is refused. `find_addresses` is for people
who must not be mailed: every address counts, however it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from daisychain.csv_cells import unguard
from daisychain.errors import InputError
from daisychain.sheets.sheet import Sheet
from daisychain.slug import normal_form
from lists.addresses import Address, AddressError, common_key, parse_address
from lists.columns import has_address_heading, read_columns

# What may be between addresses, or around one; a colon ends "mailto", an equals sign "cc".
_BETWEEN = re.compile(r"""[\s,;:=<>()\[\]{}"“”„«»‹›|•·、。–—]+|\\[nrt]?""")
# What may have been meant for one, so that it is no title; a line that is none is listed.
_LIKE_AN_ADDRESS = re.compile(r"[@＠]|%40|\bat\b|\w\.\w", re.IGNORECASE)
_AFTER = re.compile(r"[?&#/]")  # as in mailto:ann@charity.org?subject=…


@dataclass
class AddressesRead:
    """The result of reading a file: lines that gave no address, each with its reason, and counts of addresses."""

    refused: list[tuple[int, str]] = field(default_factory=list)
    note: str = ""

    def refuse(self, line: int, reason: str) -> None:
        """Keep a line that gave no address."""
        self.refused.append((line, reason))

    @property
    def read(self) -> int:
        """Return how many addresses, and lines without one, there were."""
        return len(self.refused) + sum(count for count in asdict(self).values() if isinstance(count, int))

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, which add up to `read`, and each refused row with its line and reason."""
        rows = [{"line": line, "reason": reason} for line, reason in self.refused]
        return {"read": self.read, **asdict(self), "refused": len(rows), "refused_rows": rows}


def read_addresses(sheet: Sheet, refuse: Callable[[int, str], None]) -> Iterator[Address]:
    """Yield each address of a sheet; `refuse` gets line and reason of a row that has none. Raises InputError."""
    place, headed = _place(sheet)
    for line, cells, problem in sheet.rows(with_header=not headed):
        try:
            if problem:
                raise AddressError(problem)
            address = parse_address(unguard(cells[place]))
        except AddressError as refusal:
            refuse(line, str(refusal))
        else:
            yield address


def _place(sheet: Sheet) -> tuple[int, bool]:
    """Return the column of the addresses, and whether a heading is above them."""
    for place, cell in enumerate(sheet.header):
        with suppress(AddressError):
            parse_address(cell)
            return place, False
    return (0 if len(sheet.header) == 1 else read_columns(sheet.header, {}, sheet.path).email), True


_QUOTES = "'‘’`´*-"


def find_addresses(sheet: Sheet, refuse: Callable[[int, str], None]) -> Iterator[Address]:
    """Yield every address in a sheet; `refuse` gets line and reason of what gave none. Raises InputError."""
    places: list[int] = []
    rows = (row for row in sheet.records() if any(map(str.strip, row[1])))
    number = -1
    for number, (line, cells, problem) in enumerate(rows):
        if number == 0 and not problem and not _LIKE_AN_ADDRESS.search(" ".join(cells)):
            places = [place for place, cell in enumerate(cells) if has_address_heading([cell], {})]
            if places or sum(map(bool, map(str.strip, cells))) == 1:
                continue
        here = [place for place in places if place < len(cells)]
        found, broken = _in_row(cells, here)
        if number == 0 and not found and len(cells) == 2 and "comma" in (slip := _why_none(cells)):
            raise InputError(f"The first line {slip}", file=sheet.path, line=line)
        if broken or not found:
            refuse(line, broken or problem or _why_none([cells[place] for place in here] or cells))
        yield from found
    if number < 0:
        assert sheet.header  # raises InputError that says the file is empty


def _in_row(cells: list[str], places: list[int]) -> tuple[list[Address], str]:
    """Return the addresses of a row, each once, and why text with an @ in their columns was not used.

    If the headings name columns of addresses and one is filled, prose beside it (“ask jo@charity.org”) is left out.
    """
    read = [addresses_in(cell) for cell in cells]
    named = any(read[place][0] for place in places)
    used = [each for place, each in enumerate(read) if not named or place in places or not each[2]]
    found = {address.key: address for addresses, _, _ in used for address in addresses}
    broken = next((why for addresses, why, _ in used if why), "") if found else ""
    return list(found.values()), broken


def addresses_in(cell: str) -> tuple[list[Address], str, bool]:
    """Return a cell's addresses, why another text with an @ is none, and whether there are words around them."""
    if (key := common_key(written := cell.strip())) and key[0] not in _QUOTES:
        return [Address(written, key)], "", False
    found, broken, words = [], "", False
    for piece in _pieces(cell):
        try:
            if "*" in piece:
                raise AddressError("is a pattern; write the addresses themselves")
            found.append(parse_address(piece))
        except AddressError as problem:
            words = True
            if "@" in piece:
                broken = broken or f"{piece}: {problem}"
    return found, broken, words and "<" not in cell


def _pieces(cell: str) -> Iterable[str]:
    """Split a cell at everything that is no part of an address."""
    plain = normal_form("NFKC", unguard(cell)).replace("%40", "@")
    plain = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    for piece in _BETWEEN.split(plain):
        for part in _AFTER.split(piece) if piece.count("@") > 1 else [piece]:
            local, at, domain = part.rpartition("@")
            bare = f"{local.lstrip(_QUOTES)}{at}{_AFTER.split(domain)[0].rstrip(_QUOTES + '.!-')}"
            if bare:
                yield bare


def _why_none(cells: list[str]) -> str:
    text = ",".join(cells).strip(", ")
    try:
        parse_address(text)
    except AddressError as problem:
        return str(problem)
    return "is a pattern; write the addresses themselves"
