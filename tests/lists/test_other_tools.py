"""Exports of other tools, and files as charities keep them: nobody who said no is mailed, by the command line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from lists.columns import read_columns
from lists.import_rows import RowReading
from tests.command import Daisychain

CASES = Path(__file__).parent.parent / "cases"
COLUMNS = CASES / "columns-of-other-tools.tsv"
FILES = {each["name"]: each for each in yaml.safe_load((CASES / "exports.yml").read_text(encoding="utf-8"))}


@pytest.fixture
def friends(daisychain: Daisychain) -> Daisychain:
    """A list named friends."""
    daisychain("list", "create", "friends", "--from", "Friends <news@friends.example>")
    return daisychain


def mailable(friends: Daisychain) -> str:
    rows = csv.DictReader(io.StringIO(friends("list", "export", "friends").stdout))
    return " ".join(sorted(row["email"].lower().split("@")[0] for row in rows if row["list_state"] == "subscribed"))


@pytest.mark.parametrize("name", FILES)
def test_nobody_who_said_no_in_an_export_is_mailed_and_nobody_else_is_kept_out(friends: Daisychain, name: str) -> None:
    case = FILES[name]
    (friends.folder / "people.csv").write_text(case["file"], encoding="utf-8")
    said = friends("list", "import", "friends", "people.csv", code=int("asked" in case)).stderr
    assert mailable(friends) == case.get("mailed", ""), said
    assert case.get("asked", "") in said


@pytest.mark.parametrize(
    ("name", "option", "kept"),
    [
        ("tags", "Tags=words", "ann"),
        ("tags", "tags=Tags", "ann bob"),
        ("tags", "=Tags", "ann bob"),
        ("no heading above it", "column 2=words", "ann"),
        ("no heading above it", "column 2=ignore", "ann bob"),
        ("a column of a minute-taker", "Notes=words", "ann"),
        ("a name that says it", "Last name=words", "ann"),
        ("Raiser's Edge, solicit codes", "Solicit Codes=words", "ann"),
        ("CiviCRM, on hold", "On Hold=opt-out", "ann"),
        ("Mailchimp, GDPR columns", "GDPR: Email=opt-in", "ann"),
    ],
)
def test_a_question_is_answered_by_a_map(friends: Daisychain, name: str, option: str, kept: str) -> None:
    (friends.folder / "people.csv").write_text(FILES[name]["file"], encoding="utf-8")
    friends("list", "import", "friends", "people.csv", "--map", option)
    assert mailable(friends) == kept


def test_every_heading_and_value_is_followed_asked_about_or_left_alone() -> None:
    wrong = []
    for line in COLUMNS.read_text(encoding="utf-8").splitlines()[1:]:
        heading, value, expected = line.split("\t")
        reading = RowReading(read_columns(["Email", heading], {}, COLUMNS))
        refused = reading.read((2, ["ann@a.org", value], "")).split("\t")[1] != r"\N"
        said = "ask" if any(column.asks for column in reading.questions) else "out" if refused else "in"
        if said != expected:
            wrong.append((heading, value, expected, said))
    assert not wrong
