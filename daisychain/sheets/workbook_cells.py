"""The cells of a workbook as text, for workbook_reader: a program with limits on its own memory and time.

It writes JSON to stdout: a line with the names of the sheets, or what is wrong, then [row number, cells] for each row.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

import orjson
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MOST_MEMORY = 3 * 1024**3  # bytes: enough for a million rows of fifty columns
MOST_TIME = 300  # seconds of CPU
# A text that many cells share is once in the file, and written out for each of them.
MOST_WRITTEN = 2  # times the largest file
LEAST_MEMORY = 512 * 1024**2  # bytes, to which comes sixteen times the largest file
LONGEST_ROW = 32 * 1024**2
_EXACT = 2**53  # whole numbers up to this are exact in a float


def main(path: str, wanted: str, largest: str) -> None:
    """Write the sheet `wanted`, or the first one that is not empty, within what a file of `largest` bytes may take."""
    memory = min(MOST_MEMORY, LEAST_MEMORY + 16 * int(largest))
    text = MOST_WRITTEN * int(largest)
    for limit, most in (
        (resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, MOST_TIME), (resource.RLIMIT_FSIZE, text),
    ):  # fmt: skip
        resource.setrlimit(limit, (most, most))
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            for line in _lines(workbook, wanted.casefold()):
                written = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
                if len(written) > LONGEST_ROW:
                    sys.exit(1)
                sys.stdout.buffer.write(written)
    except PasswordError:
        sys.stdout.write('"password"\n')
    except CalamineError:
        sys.stdout.write('"broken"\n')


def _lines(workbook: CalamineWorkbook, wanted: str) -> Iterator[object]:
    if wanted:
        found = [name for name in workbook.sheet_names if name.casefold() == wanted]
    else:
        shown = (SheetVisibleEnum.Visible, SheetTypeEnum.WorkSheet)
        names = [each.name for each in workbook.sheets_metadata if (each.visible, each.typ) == shown]
        found = [name for name in names if workbook.get_sheet_by_name(name).height]
    yield {"found": found, "all": workbook.sheet_names}
    for name in found[:1]:
        for number, row in enumerate(workbook.get_sheet_by_name(name).iter_rows(), 1):
            yield number, [value if type(value) is str else as_text(value) for value in row]


def as_text(value: object) -> str:
    """Return a cell's value as a person sees it: whole numbers whole, dates as 2026-05-31."""
    match value:
        case bool():
            return str(value).upper()
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case float():
            # 15 digits are what Excel shows; more are noise of the arithmetic.
            return format(Decimal(f"{value:.15g}"), "f")
        case datetime():
            value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
            return str(value.date() if value.time() == time() else value)
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
