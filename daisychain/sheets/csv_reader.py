"""CSV as people make it, read row by row, so that a file of any length takes the same memory."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from daisychain.sheets.sheet import Row, Sheet

DELIMITERS = ",;\t|"
# The csv module's own limit; a quotation mark that is never closed runs into it.
LONGEST_CELL = 131_072
_MOST_ABOVE = 20  # lines that may be a title above the table
# Excel's own first line, which says what is between cells and is not a row.
_DECLARED = re.compile(r'"?sep=([,;|:\t])"?\s*', re.IGNORECASE)


class CsvSheet(Sheet):
    """An open CSV file."""

    def __init__(self, path: Path, binary: BinaryIO, encoding: str, note: str) -> None:
        super().__init__(path, binary, note)
        self.encoding = encoding
        self.delimiter, self._declared = self._sniff()

    def records(self) -> Iterator[Row]:
        """Read every row from the top, the heading too."""
        lines = _Lines(self._lines())
        if self._declared:
            next(line for line in lines if line.strip())
        # strict, because otherwise a slip with quotation marks silently swallows the rows after it
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        while True:
            start = lines.number + 1
            lines.record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if lines.mend(self.delimiter):
                    continue
                problem = _malformed(error, len(lines.record))
                yield start, [lines.keep_first().rstrip("\r\n")], problem
                continue
            if cells:
                yield start, cells, ""

    def _sniff(self) -> tuple[str, bool]:
        """Return what is between cells, and whether the file's first line says so."""
        lines = list(islice((line for line in self._lines() if line.strip()), _MOST_ABOVE))
        # A title above the table has nothing between cells.
        first = next((line for line in lines if any(mark in line for mark in DELIMITERS)), lines[0] if lines else "")
        if found := _DECLARED.fullmatch(first):
            return found[1], True
        first = first[:LONGEST_CELL]  # the csv module raises at more, which is reported of the heading
        widths = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in DELIMITERS}
        return max(DELIMITERS, key=lambda mark: widths[mark]), False

    def _lines(self) -> Iterator[str]:
        self._binary.seek(0)
        text = io.TextIOWrapper(self._binary, encoding=self.encoding, newline="")
        try:
            for line in text:  # noqa: UP028  (`yield from` would close the file with the generator)
                yield line
        finally:
            with suppress(ValueError):  # the file may be closed by now, if a reader stopped half-way
                text.detach()


class _Lines:
    """The lines of a file for the csv module, which remember the record under way and can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: list[str] = []
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._lines)
        self.number += 1
        self.record.append(line)
        return line

    def mend(self, delimiter: str) -> bool:
        """Put the record back without spaces after its closing quotation marks; False if it has none."""
        mended = [re.sub(rf'(?<!")" +(?={re.escape(delimiter)}|\r?\n?$)', '"', line) for line in self.record]
        if mended == self.record:
            return False
        self._back.extend(reversed(mended))
        self.number -= len(mended)
        return True

    def keep_first(self) -> str:
        """Return the record's first line; the others will be read again, as rows of their own."""
        first, *others = self.record
        self._back.extend(reversed(others))
        self.number -= len(others)
        return first


def _malformed(error: csv.Error, lines: int) -> str:
    if "field limit" in str(error) and lines == 1:
        return f"cells: one is longer than {LONGEST_CELL:,} characters"
    if "expected after" in str(error) and lines == 1:
        return "cells: a quotation mark inside a cell (it must be written twice)"
    return "cells: a quotation mark opens here and is not closed"
