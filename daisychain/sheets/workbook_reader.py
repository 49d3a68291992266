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
from typing import BinaryIO

import orjson

from daisychain.errors import InputError
from daisychain.sheets.sheet import Row, Sheet


class WorkbookSheet(Sheet):
    """An open sheet of a workbook; line numbers are the sheet's row numbers."""

    def __init__(self, path: Path, cells: BinaryIO, note: str) -> None:
        super().__init__(path, cells, note=note)
        self._cells_size = cells.seek(0, 2)

    @property
    def position(self) -> int:
        """The part that has been read, in bytes of the workbook."""
        return self._binary.tell() * self.size // self._cells_size

    def records(self) -> Iterator[Row]:
        """Read every row that is not blank, the heading too."""
        self._binary.seek(0)
        self._binary.readline()
        for row in self._binary:
            number, cells = orjson.loads(row)
            yield number, cells, ""


@contextmanager
def open_workbook(path: Path, sheet: str | None) -> Iterator[WorkbookSheet]:
    """Open the sheet named `sheet`, or else the first visible one that is not empty; raises InputError."""
    with tempfile.TemporaryFile() as cells:
        command = [sys.executable, "-P", "-m", "daisychain.sheets.workbook_cells", str(path.resolve()), sheet or ""]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=cells, stderr=subprocess.DEVNULL, check=False)
        cells.seek(0)
        if done.returncode:
            raise InputError(
                "The workbook is too large to be read, or broken.", file=path,
                hint="Delete stray cells far from the table, or save the sheet as “CSV UTF-8”, which may be longer.",
            )  # fmt: skip
        about = orjson.loads(cells.readline())
        if "problem" in about:
            raise InputError(about["problem"], file=path, hint=about["hint"])
        others = ", ".join(f"“{name}”" for name in about["others"])
        note = f"Read the sheet “{about['sheet']}”, and not {others}; --sheet names another." if others else ""
        yield WorkbookSheet(path, cells, note)
