"""A CSV of a million people imported into a list, and then the same one once more."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.stage import Figure, house, measured, written
from daisychain.database import Database
from lists.imports import import_members
from lists.lists import create_list

ROWS = 1_000_000
FIRST_NAMES = ("Ann", "Bilal", "Cerys", "Dai", "Élodie", "Funmi", "Grace", "Hari")
TOWNS = ("Leeds", "Cardiff", "Oban", "Hull", "St Ives", "Newry")


def main(rows: int = ROWS) -> list[Figure]:
    """Import them, and again, when nothing is new."""
    with tempfile.TemporaryDirectory(prefix="daisychain-sheet-") as folder, house("import") as database:
        sheet = Path(folder, "members.csv")
        write_sheet(sheet, rows)
        with database.engine.begin() as connection:
            list_id = create_list(connection, "many", sender="Many <many@charity.example>")
        figures = [imported(database, list_id, sheet, rows, what) for what in ("new", "the same")]
    written("import_members", figures)
    return figures


def imported(database: Database, list_id: int, sheet: Path, rows: int, what: str) -> Figure:
    """One import, with its sums held against the rows of the sheet."""
    with measured() as whole, database.engine.begin() as connection:
        summary = import_members(connection, list_id, sheet)
    assert summary.read == rows == summary.added + summary.updated + summary.unchanged + summary.refused
    return Figure(
        f"import of a CSV, {what} people", rows, whole["seconds"], "",
        cpu_seconds=whole["cpu"], peak_megabytes=whole["peak_megabytes"],
    )  # fmt: skip


def write_sheet(path: Path, rows: int) -> None:
    """A CSV of invented members, one in a thousand of them with a bad address."""
    with path.open("w", encoding="utf-8") as file:
        file.write("Email,First name,Surname,Town,Language\n")
        for number in range(rows):
            # scattered, because addresses do not come in order
            scattered = number * 2_654_435_761 % 2**32
            address = f"person{scattered:x}@{'charity.example' if number % 1000 else 'charity'}"
            name, town = FIRST_NAMES[number % len(FIRST_NAMES)], TOWNS[number % len(TOWNS)]
            file.write(f"{address},{name},Person {number},{town},{'cy' if number % 9 == 0 else 'en'}\n")


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS):
        sys.stdout.write(f"{figure}\n")
