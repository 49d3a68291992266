"""The demo's list: invented people as a charity's spreadsheet holds them, a few dozen rows wrong on purpose."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

HEADER = ("Email address", "First name", "Last name", "Town", "Role")
FIRST_NAMES = """
    Aisha Amélie Arjun Beatriz Bronwen Callum Chidi Chloë Dafydd Elif Esther Fatima Finlay George Gráinne Hannah
    Ibrahim Imani Ines Isla Jakub Joyce Kwame Leila Li Magda Mateo Maya Mei Mohammed Nia Noor Olga Owen Priya Rhys
    Ruth Sam Siân Sofía Tariq Thandi Tomasz Uma Victor Wanjiru Yusuf Zoë
""".split()  # noqa: SIM905 - easier to read and to add to than a list
LAST_NAMES = """
    Adeyemi Ahmed Begum Björk Brown Campbell Clarke Costa Davies Evans Fernández García Hughes Jones Kaur Khan
    Kowalska Lewis MacLeod Mbeki Morgan Müller Murphy Nguyen Novák O'Brien Okafor Patel Popescu Rees Roberts Rossi
    Singh Smith Taylor Thomas Walker Williams Wójcik Yılmaz
""".split()  # noqa: SIM905
TOWNS = ("Aberystwyth", "Bradford", "Brighton", "Cardiff", "Derry", "Dundee", "Glasgow", "Hull", "Leeds", "Swansea", "")
ROLES = ("volunteer", "supporter", "trustee", "")
# Here people read at work, behind a scanner that follows every link of every mail.
OFFICE = "harbour-trust.example"
# What spreadsheets really hold in place of an address.
BAD_ADDRESSES = (
    "", "none", "ask at reception", "jo(at)people.example", "two@people.example, three@people.example", "sam@",
    "@people.example", "sam..smith@people.example", "sam smith@people.example", "sam@people", "sam@people.example.",
)  # fmt: skip


def write_people(path: Path, people: int, *, seed: int = 1) -> None:
    """Write a CSV of `people` rows, about one in thirty of them bad; the same seed gives the same file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *_rows(people, random.Random(seed))])  # noqa: S311 - nothing secret in it


def _rows(people: int, chance: random.Random) -> Iterator[list[str]]:
    before: list[str] = []
    for number in range(people):
        row = _person(number, chance)
        kind = number % 90
        if kind == 30:
            row[0] = BAD_ADDRESSES[number // 90 % len(BAD_ADDRESSES)]
        elif kind == 60 and before:
            row[0] = chance.choice(before).upper()  # the same person again, typed in capitals
        elif kind == 89:
            row.append("a stray cell")
        else:
            before.append(row[0])
        yield row


def _person(number: int, chance: random.Random) -> list[str]:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    # Some people gave no first name: the newsletter has to read well for them too.
    shown = "" if chance.random() < 0.06 else first
    domain = OFFICE if number % 12 == 7 else "people.example"
    return [f"reader{number}@{domain}", shown, last, chance.choice(TOWNS), chance.choice(ROLES)]
