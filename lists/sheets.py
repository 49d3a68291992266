"""Sheets: CSV files as people make them, read row by row, so that a file of any length takes the same memory.

A row that can't be read is handed on with its problem, and reading goes on with the next line. Raises
InputError only where nothing after it could be trusted: a wrong encoding, no heading, no CSV at all.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from daisychain.errors import InputError

DELIMITERS = ",;\t"
LARGEST_FILE = 2 * 1024**3  # bytes
MOST_COLUMNS = 200
# The csv module's own limit; a quotation mark that is never closed runs into it.
LONGEST_CELL = 131_072
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Those of UTF-32 first: UTF-16's mark is how one of them begins.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Excel's own first line, which says what stands between cells and is no row.
_DECLARED = re.compile(r'"?sep=([,;|:\t])"?\s*', re.IGNORECASE)


Row = tuple[int, list[str], str]
"""The line a row starts on (from 1), its cells as they stand, and why they can't be used; mostly that is empty.

A plain tuple, because a million named ones cost a second.
"""


class Sheet:
    """An open CSV file; its rows can be read more than once."""

    def __init__(self, path: Path, binary: BinaryIO, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self.size = path.stat().st_size
        self._binary = binary
        self.delimiter, self._declared = self._sniff()
        self.header = self._read_header()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._binary.tell()

    def rows(self, *, with_header: bool = False) -> Iterator[Row]:
        """Every row below the heading from the top of the file, blank ones left out; raises InputError."""
        records = self._records()
        if not with_header:
            next(records, None)
        width = len(self.header)
        for row in records:
            _, cells, problem = row
            if problem:
                yield row
            elif any(cells):
                yield row if len(cells) == width else _ragged(row, width)

    def _sniff(self) -> tuple[str, bool]:
        """What stands between cells, and whether the file's first line says so."""
        first = next((line for line in self._lines() if line.strip()), "")
        if found := _DECLARED.fullmatch(first):
            return found[1], True
        first = first[:LONGEST_CELL]  # the csv module raises at more; what it says is told of the heading
        widths = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in DELIMITERS}
        return max(DELIMITERS, key=lambda mark: widths[mark]), False

    def _read_header(self) -> list[str]:
        first = next(self._records(), None)
        if first is None:
            raise InputError("The file is empty.", file=self.path)
        line, cells, problem = first
        if problem:
            raise InputError(f"The heading can't be read ({problem}).", file=self.path, line=line)
        if len(cells) > MOST_COLUMNS:
            raise InputError(f"More than {MOST_COLUMNS} columns.", file=self.path, line=line)
        return [cell.strip() for cell in cells]

    def _records(self) -> Iterator[Row]:
        lines = _Lines(self._lines())
        if self._declared:
            next(line for line in lines if line.strip())
        # strict, because otherwise a slip with quotation marks quietly swallows the rows after it
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        while True:
            start = lines.number + 1
            lines.record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = _malformed(error, len(lines.record))
                yield start, [lines.keep_first().rstrip("\r\n")], problem
                continue
            if cells:
                yield start, cells, ""

    def _lines(self) -> Iterator[str]:
        self._binary.seek(0)
        text = io.TextIOWrapper(self._binary, encoding=self.encoding, newline="")
        try:
            for line in text:  # noqa: UP028  (`yield from` would close the file with the generator)
                yield line
        except UnicodeDecodeError:
            raise _undecodable(self.path, self.encoding) from None
        finally:
            with suppress(ValueError):  # the file may be closed by now, where a reader gave up half-way
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

    def keep_first(self) -> str:
        """The record's first line; the others will be read again, as rows of their own."""
        first, *others = self.record
        self._back.extend(reversed(others))
        self.number -= len(others)
        return first


@contextmanager
def open_sheet(path: Path, encoding: str | None = None) -> Iterator[Sheet]:
    """The CSV at `path`; UTF-8, or with its mark UTF-16 or 32, unless `encoding` is given. Raises InputError."""
    try:
        binary = path.open("rb")
    except OSError as error:
        raise InputError(f"The file can't be read: {error.strerror}.", file=path) from None
    with binary:
        if not path.is_file():
            raise InputError("This is no file that can be read twice; save it as a file first.", file=path)
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"The file is larger than {LARGEST_FILE // 1024**3} GiB; cut it in pieces.", file=path)
        yield Sheet(path, binary, _encoding(path, binary.read(4), encoding))


def _encoding(path: Path, head: bytes, asked: str | None) -> str:
    if head.startswith(_SPREADSHEETS):
        raise InputError(
            "This is a spreadsheet, not a CSV.",
            file=path,
            hint="Save it as “CSV UTF-8” and import that file.",
        )
    marked = next((encoding for mark, encoding in _BOMS if head.startswith(mark)), None)
    if asked:
        return _asked(path, asked, marked)
    if marked is None and b"\0" in head:
        order, width = "be" if head[:1] == b"\0" else "le", 32 if head.count(0) == 3 else 16
        raise InputError(
            f"This is not UTF-8; it looks like UTF-{width}.", file=path, hint=f"Try --encoding utf-{width}-{order}"
        )
    return marked or "utf-8"


def _asked(path: Path, asked: str, marked: str | None) -> str:
    try:
        known = codecs.lookup(asked)
        io.TextIOWrapper(io.BytesIO(), encoding=known.name)  # refuses codecs that are not for text
    except LookupError:
        raise InputError(
            f"There is no text encoding named {asked!r}.", hint="For instance: utf-8, cp1252, utf-16"
        ) from None
    if marked and known.name.split("-")[:2] != marked.split("-")[:2]:
        raise InputError(f"The file is marked as {marked}.", file=path, hint="Leave --encoding off.")
    return marked or known.name


def _ragged(row: Row, width: int) -> Row:
    line, cells, _ = row
    return line, cells, f"cells: {len(cells)} where the heading has {width}"


def _malformed(error: csv.Error, lines: int) -> str:
    if "field limit" in str(error) and lines == 1:
        return f"cells: one is longer than {LONGEST_CELL:,} characters"
    if "expected after" in str(error) and lines == 1:
        return "cells: a quotation mark inside a cell (it must be written twice)"
    return "cells: a quotation mark opens here and is not closed"


def _undecodable(path: Path, encoding: str) -> InputError:
    """What to say about the first byte of `path` that is not `encoding`: where it is and what to try."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, before = 1, 0
    with path.open("rb") as binary:
        while chunk := binary.read(65_536):
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                # error.object holds what the decoder had kept back as well as this chunk
                before += len(chunk) - len(error.object) + error.start
                line += error.object[: error.start].decode(encoding, "ignore").count("\n")
                byte = error.object[error.start]
                return InputError(
                    f"Byte {before + 1:,} (0x{byte:02X}) is not {encoding.removesuffix('-sig').upper()}.",
                    file=path, line=line, hint=_what_to_try(encoding, error.object, error.start),
                )  # fmt: skip
            before += len(chunk)
    return InputError(f"The file ends in the middle of a character; it is not {encoding}.", file=path, line=line)


def _what_to_try(encoding: str, data: bytes, at: int) -> str:
    if not encoding.startswith("utf-8"):
        return "Try another --encoding, or leave it off."
    there = data[max(0, at - 12) : at + 12].decode("cp1252", "replace").splitlines()
    word = next((piece for piece in there if any(ord(letter) > 127 for letter in piece)), "")
    return f"Excel often saves cp1252: try --encoding cp1252 (there it would read “{word.strip()}”)."
