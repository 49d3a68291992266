"""A CSV of a million people in twelve columns imported into a list, then the same one once more, and a workbook."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import xlsxwriter

from benchmarks.stage import Figure, house, measured, written
from daisychain.database import Database
from lists.imports import ImportOptions, import_members
from lists.lists import create_list

ROWS = 1_000_000
FIRST_NAMES = ("Ann", "Bilal", "Cerys", "Dai", "Élodie", "Funmi", "Grace", "Hari")
TOWNS = ("Leeds", "Cardiff", "Oban", "Hull", "St Ives", "Newry")


def main(rows: int = ROWS) -> list[Figure]:
    """Import them with their consent, and again, when nothing is new; and a workbook of a tenth of them."""
    with tempfile.TemporaryDirectory(prefix="daisychain-sheet-") as folder, house("import") as database:
        sheet, book = Path(folder, "members.csv"), Path(folder, "members.xlsx")
        write_sheet(sheet, rows)
        write_book(book, rows // 10)
        with database.engine.begin() as connection:
            list_id = create_list(connection, "many", sender="Many <many@charity.example>")
            other = create_list(connection, "tenth", sender="Many <many@charity.example>")
        figures = [
            imported(database, list_id, sheet, rows, "a CSV, new people", "13 s and 200 MB a million"),
            imported(database, list_id, sheet, rows, "a CSV, the same people"),
            imported(database, other, book, rows // 10, "an XLSX, people of another list", "10 s for 100,000"),
        ]
    written("import_members", figures)
    return figures


def imported(database: Database, list_id: int, sheet: Path, rows: int, what: str, goal: str = "") -> Figure:
    """One import, with its sums held against the rows of the sheet."""
    with measured() as whole, database.engine.begin() as connection:
        summary = import_members(connection, list_id, sheet, ImportOptions(basis="consent", source="a form"))
    assert summary.read == rows == summary.added + summary.updated + summary.unchanged + summary.refused
    return Figure(
        f"import of {what}", rows, whole["seconds"], goal,
        cpu_seconds=whole["cpu"], peak_megabytes=whole["peak_megabytes"],
    )  # fmt: skip


def people(rows: int) -> Iterator[tuple[object, ...]]:
    """The heading and invented members in twelve columns, one in a thousand of them with a bad address."""
    yield (
        "Email", "First name", "Surname", "Language", "Consent date", "Collected by", "Town", "Region", "Postcode",
        "Role", "Group", "Since",
    )  # fmt: skip
    for number in range(rows):
        # scattered, because addresses do not come in order
        scattered = number * 2_654_435_761 % 2**32
        yield (
            f"person{scattered:x}@{'charity.example' if number % 1000 else 'charity'}",
            FIRST_NAMES[number % len(FIRST_NAMES)], f"Person {number}", "cy" if number % 9 == 0 else "en",
            f"2026-{number % 9 + 1:02d}-{number % 27 + 1:02d}", "Many", TOWNS[number % len(TOWNS)],
            "North" if number % 3 else "South", f"LS{number % 30} {number % 10}AB",
            "volunteer" if number % 4 else "supporter", f"Group {number % 17}", 1990 + number % 35,
        )  # fmt: skip


def write_sheet(path: Path, rows: int) -> None:
    """Write them as a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(people(rows))


def write_book(path: Path, rows: int) -> None:
    """Write them as a workbook."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate(people(rows)):
            sheet.write_row(place, 0, row)


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS):
        sys.stdout.write(f"{figure}\n")
