"""Refused rows: a CSV for the person who fixes them, with line, reason and the original cells."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daisychain.atomic_files import PRIVATE, replacing
from daisychain.csv_cells import guarded, unguard
from daisychain.errors import InputError
from daisychain.sheets.sheet import Sheet
from lists.privacy.address_hash import FORGOTTEN

HEADINGS = ("refused_line", "refused_reason")  # lists/columns.py leaves them out when the fixed file comes back


def refused_path(path: Path, asked: Path | None) -> Path:
    """Return where the refused rows of `path` go, by default NAME.refused.csv beside it; raises InputError."""
    target = asked or path.with_name(f"{path.stem}.refused.csv")
    if target.exists() and target.samefile(path):
        raise InputError("The refused rows can't go into the file that is being imported.", file=target)
    if not target.parent.is_dir():
        raise InputError("There is no such folder for the refused rows.", file=target)
    return target


def write_refused(target: Path, sheet: Sheet, refused: Iterator[tuple[int, str]]) -> None:
    """Write the rows of `sheet` that `refused` names (line, reason; in order), whole or not at all."""
    try:
        # Personal data, so only its owner may read it. The mark in front makes spreadsheets read UTF-8 as such.
        with replacing(target, rights=PRIVATE, encoding="utf-8-sig") as file:
            # Always commas: a spreadsheet that splits at other marks could find a formula that is not guarded.
            writer = csv.writer(file)
            writer.writerow([*HEADINGS, *guarded(sheet.header)])
            writer.writerows(_rows(sheet, refused))
    except OSError as error:
        raise InputError(
            f"The refused rows can't be written here: {error.strerror}. Nothing was imported.",
            file=target, hint="Choose another place with --refused FILE.",
        ) from None  # fmt: skip


def remove_old_refused(target: Path) -> None:
    """Delete the refused rows of an earlier import, now that none are refused; another file stays."""
    with suppress(OSError):
        with target.open(encoding="utf-8-sig", errors="replace") as file:
            ours = file.read(len(HEADINGS[0])) == HEADINGS[0]
        if ours:
            target.unlink()


def _rows(sheet: Sheet, refused: Iterator[tuple[int, str]]) -> Iterator[list[str]]:
    wanted = next(refused, None)
    for line, cells, _ in sheet.rows():
        if wanted is None:
            return
        if line == wanted[0]:
            # Cells that came guarded would otherwise be guarded twice. Nothing is written down about forgotten people.
            kept = [] if wanted[1] == FORGOTTEN else cells
            yield [str(line), wanted[1], *guarded(map(unguard, kept))]
            wanted = next(refused, None)
