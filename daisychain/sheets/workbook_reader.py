"""Workbooks: one sheet of an XLSX, XLS or ODS.

A process of its own (workbook_cells) reads it and writes the cells to a temporary file: python-calamine makes a table
as large as the cell furthest away, and aborts its process if there is no memory for it. A single stray cell in the
last corner of a sheet asks for 512 GiB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from daisychain.errors import InputError
from daisychain.sheets.sheet import Row, Sheet

_PROBLEMS = {
    "password": ("The workbook is protected with a password.", "Save it without a password, and use that file."),
    "broken": (
        "This can't be read as a workbook: it is broken, or another kind of file.",
        "Open it in a spreadsheet program, and save it as .xlsx or “CSV UTF-8”. Unpack a ZIP file first.",
    ),
    "too large": (
        "The workbook is too large to be read, or broken.",
        "Delete stray cells far from the table, or save the sheet as “CSV UTF-8”, which may be longer.",
    ),
}


class WorkbookSheet(Sheet):
    """An open sheet of a workbook; line numbers are the sheet's row numbers."""

    @property
    def position(self) -> int:
        """The part that has been read, in bytes of the workbook: as its rows are read fast, all or nothing."""
        return self.size if self._binary.tell() else 0

    def records(self) -> Iterator[Row]:
        """Read every row, the heading and blank ones too."""
        self._binary.seek(0)
        self._binary.readline()
        for row in self._binary:
            number, cells = orjson.loads(row)
            yield number, cells, ""


@contextmanager
def open_workbook(path: Path, sheet: str | None, largest: int) -> Iterator[WorkbookSheet]:
    """Open the sheet named `sheet`, or else the first visible one that is not empty; raises InputError."""
    with tempfile.TemporaryFile() as cells:
        program = [sys.executable, "-P", "-m", "daisychain.sheets.workbook_cells"]
        command = [*program, str(path.resolve()), sheet or "", str(largest)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=cells, stderr=subprocess.DEVNULL, check=False)
        cells.seek(0)
        about = "too large" if done.returncode else orjson.loads(cells.readline())
        if isinstance(about, str):
            message, hint = _PROBLEMS[about]
            raise InputError(message, file=path, hint=hint)
        if not about["found"]:
            message = f"There is no sheet named {sheet!r}." if sheet else "The workbook is empty."
            raise InputError(message, file=path, hint=f"Sheets: {', '.join(about['all'])}.")
        first, *others = (f"“{name}”" for name in about["found"])
        note = f"Read the sheet {first}, and not {', '.join(others)}; --sheet names another." if others else ""
        workbook = WorkbookSheet(path, cells, note)
        workbook.sheets = list(dict.fromkeys(about["found"][:1] + about["all"]))
        yield workbook
