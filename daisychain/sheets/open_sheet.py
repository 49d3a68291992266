"""Open a sheet of any kind: what a file is, its first bytes say, and not its name."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daisychain.errors import InputError
from daisychain.sheets.csv_reader import CsvSheet
from daisychain.sheets.encodings import find_encoding
from daisychain.sheets.sheet import Sheet
from daisychain.sheets.unreadable_zips import UNREADABLE_ZIP
from daisychain.sheets.workbook_reader import open_workbook

LARGEST_FILE = 2 * 1024**3  # bytes
# ZIP (XLSX, ODS) and OLE (XLS, and an XLSX with a password)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_OTHERS = {
    "a web page or XML": (
        b"<!",
        b"<?",
        b"<HTML",
        b"<HEAD",
        b"<META",
        b"<TABLE",
        b"<BODY",
        b"<DIV",
        b"<STYLE",
        b"<SCRIPT",
        b"<TITLE",
        b"<TR>",
        b"<P>",
    ),
    "a PDF": (b"%PDF",),
    "a text document": (b"{\\RTF",),
    "a file of contact cards": (b"BEGIN:VCARD",),
    "a compressed file": (b"\x1f\x8b",),
    "an Excel file from before 1995": (b"\t\x00\x04\x00", b"\t\x02\x06\x00", b"\t\x04\x06\x00"),
}


@contextmanager
def open_sheet(
    path: Path, encoding: str | None = None, sheet: str | None = None, *, largest: int = LARGEST_FILE
) -> Iterator[Sheet]:
    """Open the CSV or workbook at `path`; `sheet` names one of a workbook's sheets. Raises InputError."""
    try:
        binary = path.open("rb")
    except OSError as error:
        raise InputError(f"The file can't be read: {error.strerror}.", file=path) from None
    with binary:
        if not path.is_file():
            raise InputError("This is not a file that can be read twice; save it as a file first.", file=path)
        if path.stat().st_size > largest:
            size = f"{largest // 1024**3} GiB" if largest >= 1024**3 else f"{largest // 1024**2} MiB"
            raise InputError(f"The file is larger than {size}; cut it in pieces.", file=path)
        head = binary.read(64)
        if head.startswith(_WORKBOOKS):
            _require_workbook(path)
            with open_workbook(path, sheet, largest) as workbook:
                yield workbook
            return
        plain = head.lstrip(b"\xff\xfe").replace(b"\0", b"")  # UTF-16 as ASCII
        start = plain.removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n").upper()
        for kind, marks in _OTHERS.items():
            if start.startswith(marks) or head.startswith(marks):
                raise InputError(
                    f"This is {kind}, not a CSV.", file=path,
                    hint="Open it in a spreadsheet program, and save it as “CSV UTF-8” or .xlsx.",
                )  # fmt: skip
        if sheet:
            raise InputError(f"A CSV has no sheet {sheet!r}.", file=path, hint="Leave --sheet out.")
        yield CsvSheet(path, binary, *find_encoding(path, binary, encoding))


def _require_workbook(path: Path) -> None:
    """Raise InputError that says what is inside if the file is a ZIP of other files, and no workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNREADABLE_ZIP:
        return  # the reader of workbooks says more
    if not any(name.endswith((".xml", ".rels")) for name in names):
        inside = ", ".join(names[:5])
        raise InputError("This is a ZIP file.", file=path, hint=f"Unpack it, and use a file inside: {inside}")
