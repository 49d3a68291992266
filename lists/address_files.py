"""Files of addresses: a sheet with an address column, or a plain list with one address a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from daisychain.csv_cells import unguard
from daisychain.sheets.sheet import Sheet
from lists.addresses import Address, AddressError, parse_address
from lists.columns import read_columns


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
