"""Import of the coalition's own file, and the export of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from daisychain.database import Database
from partners.contacts import contacts_of
from partners.partner_import import PartnerImport, import_file
from partners.profiles import PartnerProfile, profiles
from partners.tables import OrganisationProfile, PartnerEvent
from tests.command import Daisychain
from tests.partners.hive import add_bees, logo

Sheet = Callable[..., Path]
FULL = """\
Organisation;Tool;Languages;Area;Colour;Contact name;Contact email;Email 2;Member since;Address
Bees of Bath;Mailchimp;English,Welsh;South West;#7a1f5c;Maya Bee;maya@bees.example;hi@bees.example;2019;2 Hive / Bath
Wasps;brevo;cy;;;;;;2020;
"""


def imported(database: Database, path: Path, **options: Any) -> PartnerImport:
    with database.engine.begin() as connection:
        return import_file(connection, path, "Priya", **options)


def kept(database: Database) -> dict[str, PartnerProfile]:
    with database.engine.connect() as connection:
        return {each.organisation.name: each for each in profiles(connection)}


def counts(found: PartnerImport) -> tuple[int, int, int, int]:
    return found.counts["added"], found.counts["updated"], found.counts["unchanged"], len(found.refused)


def test_the_file_they_have_becomes_organisations_with_contacts_and_notes(database: Database, sheet: Sheet) -> None:
    found = imported(database, sheet(FULL))
    assert (counts(found), found.note_columns) == ((2, 0, 0, 0), ("member since",))
    bees = kept(database)["Bees of Bath"]
    assert bees.organisation.code == "bees-of-bath"
    assert bees.notes == {"member since": "2019"}
    values = {name: text for name, text in bees.values.items() if text}
    assert values == {
        "name": "Bees of Bath", "tool": "mailchimp", "languages": "en, cy", "region": "South West", "colour": "#7a1f5c",
        "address": "2 Hive\nBath",
    }  # fmt: skip
    with database.engine.connect() as connection:
        found_contacts = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    assert [(each.name, each.email) for each in found_contacts] == [
        ("Maya Bee", "maya@bees.example"), ("", "hi@bees.example"),
    ]  # fmt: skip


def test_the_same_file_twice_changes_nothing(database: Database, sheet: Sheet) -> None:
    path = sheet(FULL)
    imported(database, path)
    before = kept(database)
    assert counts(imported(database, path)) == (0, 0, 2, 0)
    assert kept(database) == before
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(PartnerEvent)) == 2


def test_a_dry_run_says_the_same_and_keeps_nothing(database: Database, sheet: Sheet) -> None:
    assert counts(imported(database, sheet(FULL), dry_run=True)) == (2, 0, 0, 0)
    assert kept(database) == {}


def test_an_empty_cell_leaves_what_is_known_and_a_new_one_changes_it(database: Database, sheet: Sheet) -> None:
    imported(database, sheet(FULL))
    found = imported(database, sheet("name,tool,region,Member since\nbees  of BATH,,Wales,\nWasps,,,2021\n"))
    assert counts(found) == (0, 2, 0, 0)
    bees = kept(database)["bees of BATH"]
    assert (bees.values["tool"], bees.values["region"], bees.notes) == ("mailchimp", "Wales", {"member since": "2019"})
    assert kept(database)["Wasps"].notes == {"member since": "2021"}


BAD = {
    ",brevo,": "needs a name",
    "Ants,carrier pigeon,": "no tool 'carrier pigeon'",
    "Ants,all,": "no tool 'all'",
    "Ants,,Klingonese": "no language",
    "Ants,brevo,cy,too much": "cells: 4",
    '"Ants {{ x }}",,': "signs of a template",
    "Wasps,brevo,": "on line 2 already, with another for",
    f"{'A' * 201},,": "too long",
    '"A\nnt",,': "one line",
    "\u200f,,": "needs a name",
}


@pytest.mark.parametrize("row", BAD)
def test_a_row_that_can_t_be_used_is_refused_with_its_line_and_the_others_are_imported(
    database: Database, sheet: Sheet, row: str
) -> None:
    found = imported(database, sheet(f"name,for,language\nWasps,mailchimp,en\n{row}\nBees,brevo,\n"))
    assert counts(found) == (2, 0, 0, 1)
    [(line, _, why)] = found.refused
    assert (line, BAD[row] in why) == (3, True), why
    assert set(kept(database)) == {"Wasps", "Bees"}


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("reply", "nobody", "no address to write to"), ("website", "ftp://x.example", "no web address"),
        ("accent", "puce", "not a colour"), ("contact email", "maya@", "can't be used"),
        ("logo", "gone.png", "no image"),
        ("logo", "../../etc/passwd", "outside the folder"), ("code", "Bees!", "can't be part of a link"),
        ("code", "wasps", "belongs to Wasps"),
    ],
)  # fmt: skip
def test_each_column_is_checked(database: Database, sheet: Sheet, column: str, cell: str, why: str) -> None:
    imported(database, sheet("name\nWasps\n"))
    found = imported(database, sheet(f"name,{column}\nAnts,{cell}\nBees,\n"))
    assert counts(found) == (1, 0, 0, 1)
    assert why in found.refused[0][2]
    assert set(kept(database)) == {"Wasps", "Bees"}


def test_a_code_is_for_life_under_a_new_name_too(database: Database, sheet: Sheet) -> None:
    imported(database, sheet("name,code\nBees,hive\n"))
    assert "keeps it" in imported(database, sheet("name,code\nBees,other\n")).refused[0][2]
    assert "belongs to Bees" in imported(database, sheet("name,code\nWasps,hive\n")).refused[0][2]
    assert counts(imported(database, sheet("name,formerly,code\nHoney Bees,Bees,hive\n"))) == (0, 1, 0, 0)
    assert {name: each.organisation.code for name, each in kept(database).items()} == {"Honey Bees": "hive"}


def test_several_rows_of_one_organisation_are_its_contacts(database: Database, sheet: Sheet) -> None:
    found = imported(
        database, sheet("Organisation,Name,Email\nBees,Maya,maya@bees.example\nBees,Willi,willi@bees.example\n")
    )
    assert (counts(found), found.note_columns) == ((1, 1, 0, 0), ())
    bees = kept(database)["Bees"].organisation.id
    with database.engine.connect() as connection:
        assert [each.name for each in contacts_of(connection, [bees])[bees]] == ["Maya", "Willi"]


@pytest.mark.parametrize(
    "head", ["Contact", "E-mail", "email_address", "main contact", "Contact's email", "Second contact email", "email 2"]
)
def test_a_contact_s_column_is_known_by_many_names(database: Database, sheet: Sheet, head: str) -> None:
    imported(database, sheet(f"name,{head}\nBees,maya@bees.example\n"))
    bees = kept(database)["Bees"]
    assert bees.notes == {}
    with database.engine.connect() as connection:
        [contact] = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    assert contact.email == "maya@bees.example"


@pytest.mark.parametrize("head", ["Newsletter software", "Email platform", "tool"])
@pytest.mark.parametrize("cell", ["Mailchimp", "mail chimp", "Mail-Chimp"])
def test_a_tool_is_known_by_many_names(database: Database, sheet: Sheet, head: str, cell: str) -> None:
    imported(database, sheet(f"name,{head}\nBees,{cell}\n"))
    assert kept(database)["Bees"].notes == {}
    assert kept(database)["Bees"].values["tool"] == "mailchimp"


def test_a_column_of_another_name_is_chosen(daisychain: Daisychain, sheet: Sheet) -> None:
    path = sheet("Mitglied,Ort\nBees,Bath\n")
    assert "no column with the organisations' names" in daisychain("partner", "import", str(path), code=1).output
    answer = daisychain.json(
        "partner", "import", str(path), "--map", "Mitglied=name", "--map", "Ort=region", "--format", "json"
    )
    assert (answer["added"], answer["kept_as_notes"]) == (1, [])
    assert "no column 'Land'" in daisychain("partner", "import", str(path), "--map", "Land=region", code=1).output
    assert "no field 'country'" in daisychain("partner", "import", str(path), "--map", "Ort=country", code=1).output


def test_the_export_imports_to_the_same(
    database: Database, daisychain: Daisychain, settings: Any, tmp_path: Path
) -> None:
    with database.engine.begin() as connection:
        add_bees(connection)
        add_bees(connection, "=Wasps + Co")
    before = kept(database)
    (tmp_path / "out").mkdir()
    daisychain("partner", "export", "--out", "out/partners.csv")
    assert "'=Wasps" in (tmp_path / "out/partners.csv").read_text(encoding="utf-8-sig")
    answer = daisychain.json("partner", "import", "out/partners.csv", "--format", "json")
    assert (answer["unchanged"], answer["refused_rows"]) == (2, [])
    assert kept(database) == before
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM organisations"))
        connection.execute(text("DELETE FROM pack_partners"))
    answer = daisychain.json("partner", "import", "out/partners.csv", "--format", "json")
    assert (answer["added"], answer["refused_rows"]) == (2, [])
    again = kept(database)
    for name, each in before.items():
        assert (again[name].values, again[name].notes, again[name].logos) == (each.values, each.notes, each.logos)
        assert again[name].organisation.code == each.organisation.code


def test_counts_and_refused_lines_are_printed_and_the_command_succeeds(daisychain: Daisychain, sheet: Sheet) -> None:
    path = sheet("name,for\nBees,brevo\nAnts,pigeon\n")
    dry = daisychain("partner", "import", str(path), "--dry-run")
    assert "Nothing was kept" in dry.stderr
    result = daisychain("partner", "import", str(path))
    assert f"{path}:3" in result.output
    assert json.loads(daisychain("partner", "list", "--format", "json").stdout)[0]["name"] == "Bees"


def test_two_hundred_rows_are_imported(database: Database, sheet: Sheet) -> None:
    rows = "".join(f"Charity {number},brevo,office{number}@charity.example\n" for number in range(200))
    path = sheet(f"name,for,email\n{rows}")
    assert counts(imported(database, path)) == (200, 0, 0, 0)
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(OrganisationProfile)) == 200


def test_a_logo_comes_from_the_folder_of_the_file(database: Database, sheet: Sheet, tmp_path: Path) -> None:
    (tmp_path / "bees.png").write_bytes(logo())
    found = imported(database, sheet("name,logo,logo white\nBees,bees.png,\n"))
    assert counts(found) == (1, 0, 0, 0)
    assert kept(database)["Bees"].logos["logo"]
    assert counts(imported(database, sheet("name,logo\nBees,bees.png\n"))) == (0, 0, 1, 0)


def test_a_name_whose_row_was_refused_is_free_for_a_later_row(database: Database, sheet: Sheet) -> None:
    found = imported(database, sheet("name,logo\nWasps,\nBees,nowhere.png\nBees,\n"))
    assert counts(found) == (2, 0, 0, 1)
    assert set(kept(database)) == {"Wasps", "Bees"}
