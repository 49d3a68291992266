"""How long it takes to import a million members, again, and to select them as an audience; prints one line each.

    python benchmarks/import_members.py [ROWS]

It makes a CSV and an embedded database in a temporary home, and takes the home away afterwards.
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Column, MetaData, Table

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from lists.audience import audience
from lists.imports import import_members
from lists.lists import create_list
from lists.people import open_people

FIRST_NAMES = ("Ann", "Bilal", "Cerys", "Dai", "Élodie", "Funmi", "Grace", "Hari")
TOWNS = ("Leeds", "Cardiff", "Oban", "Hull", "St Ives", "Newry")


def main(rows: int) -> None:
    """Run all measurements with `rows` members."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sheet = home / "members.csv"
        write_sheet(sheet, rows)
        database = Database(Settings(home=home / "home"))
        try:
            measure(database, sheet, rows)
        finally:
            database.close()
            # Run by root, the cluster lies outside the home (daisychain/embedded.py).
            shutil.rmtree(EmbeddedServer(home / "home").folder)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


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


def measure(database: Database, sheet: Path, rows: int) -> None:
    """Print the time of each step."""
    with database.engine.begin() as connection:
        list_id = create_list(connection, "many", sender="Many <many@charity.example>")
    for what in ("new", "the same"):
        marks: list[tuple[str, float]] = []

        def watch(doing: str, _: int, marks: list[tuple[str, float]] = marks) -> None:
            if not marks or marks[-1][0] != doing:
                marks.append((doing, time.perf_counter()))

        with timed(f"import of {rows:,} {what} people"), database.engine.begin() as connection:
            summary = import_members(connection, list_id, sheet, watch=watch)
        marks.append(("end", time.perf_counter()))
        print("   ", ", ".join(f"{doing} {after - at:.1f} s" for (doing, at), (_, after) in pairwise(marks)))
        assert summary.read == rows == summary.added + summary.updated + summary.unchanged + summary.refused
    with database.engine.connect() as connection:
        people = open_people(connection, "many")
        with timed("counting them and their fields"):
            people.count()
            people.fields()
        with timed("the longest value of a field"):
            people.longest("town")
    freeze(database, list_id)


def freeze(database: Database, list_id: int) -> None:
    """Print the time and the plan of the audience's select, inserted as a freeze does it."""
    select = audience(list_id, ["first_name", "last_name", "town"])
    frozen = Table("frozen", MetaData(), *(Column(column.name) for column in select.selected_columns))
    with database.engine.connect() as connection:
        statement = str(select.compile(connection, compile_kwargs={"literal_binds": True}))
        connection.exec_driver_sql(f"CREATE UNLOGGED TABLE frozen AS {statement} LIMIT 0")
        for memory in ("4MB", "64MB"):
            connection.exec_driver_sql("TRUNCATE frozen")
            connection.exec_driver_sql(f"SET LOCAL work_mem = '{memory}'")
            with timed(f"INSERT … SELECT of the audience, work_mem {memory}"):
                connection.execute(frozen.insert().from_select([column.name for column in frozen.columns], select))
        for line in connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}").scalars():
            print("   ", line)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
