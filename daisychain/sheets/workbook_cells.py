"""The cells of a workbook as text, written to stdout: first a line about the workbook, then [row, cells] a line.

A program for workbook_reader, with limits on its own memory and time.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import orjson
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MOST_MEMORY = 3 * 1024**3  # bytes: enough for a million rows of fifty columns
MOST_TIME = 300  # seconds of CPU
_EXACT = 2**53  # whole numbers up to this are exact in a float


def main(path: str, wanted: str) -> None:
    """Write the cells of the sheet `wanted`, or of the first one that is not empty."""
    for limit, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_TIME)):
        resource.setrlimit(limit, (most, most))
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            _write_sheet(workbook, wanted)
    except PasswordError:
        _write_problem("The workbook is protected with a password.", "Save it without a password, and use that file.")
    except CalamineError:
        _write_problem(
            "This can't be read as a workbook: it is broken, or another kind of file.",
            "Open it in a spreadsheet program, and save it as .xlsx or “CSV UTF-8”. Unpack a ZIP file first.",
        )


def _write_sheet(workbook: CalamineWorkbook, wanted: str) -> None:
    names = workbook.sheet_names
    if wanted:
        found = [name for name in names if name.casefold() == wanted.casefold()]
        if not found:
            return _write_problem(f"There is no sheet named {wanted!r}.", f"Sheets: {', '.join(names)}.")
    else:
        visible = [
            each.name
            for each in workbook.sheets_metadata
            if each.visible == SheetVisibleEnum.Visible and each.typ == SheetTypeEnum.WorkSheet
        ]
        found = [name for name in visible if workbook.get_sheet_by_name(name).height]
        if not found:
            return _write_problem("The workbook is empty.", f"Sheets: {', '.join(names)}.")
    _write({"sheet": found[0], "others": found[1:]})
    for number, row in enumerate(workbook.get_sheet_by_name(found[0]).iter_rows(), 1):
        cells = [value if type(value) is str else as_text(value) for value in row]
        if any(cells):
            _write([number, cells])
    return None


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
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value)


def _write_problem(problem: str, hint: str) -> None:
    _write({"problem": problem, "hint": hint})


def _write(row: Iterable[object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(*sys.argv[1:])
