"""Codes of partners: each has one of its own, and keeps it, whatever others are called."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import insert

from daisychain.database import Database
from newsletters.packs.bulk import Order
from newsletters.packs.pack_status import keep_packs
from newsletters.packs.partner_codes import CODE, assign_codes, claim_codes, name_key, new_code
from newsletters.tables import PackPartner
from tests.command import Daisychain
from tests.newsletters.packs.packing import PARTNER, edition, packed
from tests.newsletters.packs.test_bulk import make

LONG = "The Friends of the Old Town and Harbour of "
FIVE_SCRIPTS = (
    [f"{LONG}{letter}{number}" for letter in "ABCD" for number in range(10)]
    + [f"Общество №{number} Софии" for number in range(40)]
    + [f"جمعية الحي {number}" for number in range(40)]
    + [f"社区中心{number}" for number in range(40)]
    + [f"Σύλλογος {letter}" for letter in "αβγδεζηθικλμνξοπρστυ"]
    + [f"Bees{sign}of{sign}Bath" for sign in " -_.,;:+&/!?~*'’–—·|"]
)


def claimed(database: Database, *names: str, **more: str) -> list[tuple[str, str]]:
    """The codes that these partners are given, kept."""
    with database.engine.begin() as connection:
        return claim_codes(connection, [{"name": name, **more} for name in names], ["contact"])


def test_two_hundred_clashing_names_in_five_scripts_are_two_hundred_packs(tmp_path: Path) -> None:
    assert len(FIVE_SCRIPTS) == 200
    file = tmp_path / "partners.csv"
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(
            [("name", "for", "address"), *((name, "plain", "1 Road") for name in FIVE_SCRIPTS)]
        )
    results = make(Order({"en": edition()}, "", "", tmp_path / "out", False), file)
    assert [made.why for made in results if made.why] == []
    sheets = [json.loads(each.read_text()) for each in (tmp_path / "out").glob("*/pack.json")]
    assert {each["partner"]["name"] for each in sheets} == set(FIVE_SCRIPTS)
    for own in ({each["pack"] for each in sheets}, {each["partner"]["code"] for each in sheets}):
        assert len(own) == 200


@pytest.mark.parametrize("name", [*FIVE_SCRIPTS[::17], "ß", "🐝", "-", "Højskole", "a" * 300])
def test_a_code_made_from_a_name_is_a_part_of_a_link_and_always_the_same(name: str) -> None:
    assert CODE.fullmatch(new_code(name))
    assert new_code(name) == new_code(name)
    assert new_code(name) != new_code(name + " 2", [new_code(name)])


def test_a_name_that_is_wholly_in_the_code_has_no_hash() -> None:
    assert [new_code(name) for name in ("Bees of Bath", "Été à Bath", "St. Mary’s", "Højskole")] == [
        "bees-of-bath", "ete-a-bath", "st-marys", "hojskole",
    ]  # fmt: skip


def test_a_code_of_a_pack_from_before_letters_were_spelled_out_stays(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(insert(PackPartner).values(code="hjskole-1a2b3c", name="Højskole", notes={}))
    assert claimed(database, "Højskole", "Ærø") == [("hjskole-1a2b3c", ""), ("aero", "")]


def test_the_same_name_otherwise_written_is_the_same_partner(database: Database) -> None:
    names = ("Été à Bath", "E\u0301te\u0301 a\u0300  BATH", "\u200fÉté à\u00a0Bath\u200e")
    assert len({name_key(name) for name in names}) == 1
    assert {claimed(database, name)[0] for name in names} == {("ete-a-bath", "")}


def test_a_partner_keeps_its_code_whoever_comes_later(database: Database) -> None:
    before = claimed(database, *FIVE_SCRIPTS[150:])
    assert claimed(database, "Bees -of- Bath", *reversed(FIVE_SCRIPTS[150:]))[1:] == before[::-1]
    [(_, problem)] = claimed(database, "Ants", code=before[-1][0])
    assert f"belongs to {FIVE_SCRIPTS[-1]}" in problem


def test_a_partner_may_change_its_code_and_no_other_gets_the_old_one(database: Database) -> None:
    assert claimed(database, "Bees") == [("bees", "")]
    assert claimed(database, "Bees", code="bath-bees") == [("bath-bees", "")]
    assert claimed(database, "Bees") == [("bath-bees", "")]
    assert "belongs to Bees" in claimed(database, "Ants", code="bees")[0][1]


def test_an_organisation_with_a_new_name_keeps_its_code_if_its_row_says_so(database: Database) -> None:
    claimed(database, "Bees", code="bees")
    assert "'formerly'" in claimed(database, "Bath Bees", code="bees")[0][1]
    assert claimed(database, "Bath Bees", formerly="Bees") == [("bees", "")]
    assert claimed(database, "Bath Bees") == [("bees", "")]


def test_partners_of_packs_made_before_codes_were_kept_keep_theirs(database: Database) -> None:
    long = f"{LONG}Ålesund"
    for name in ("Bees of Bath", "Bees-of-Bath", long):
        with database.engine.begin() as connection:
            keep_packs(connection, [packed("brevo").row | {"key": name, "partner": name}])
    [(second, _), (other, _), (first, _), (cut, _)] = claimed(
        database, "Bees-of-Bath", "Bees.of.Bath", PARTNER.name, long
    )
    assert (first, cut) == ("bees-of-bath", "the-friends-of-the-old-town-and-harbour")
    assert len({first, second, other}) == 3


def test_a_written_code_comes_before_one_made_from_a_name_on_any_line() -> None:
    answers = assign_codes([{"name": "Bees"}, {"name": "Ants", "code": "bees"}, {"name": "Wasps", "code": "bees"}])
    assert answers[1] == ("bees", "")
    assert answers[0][0].startswith("bees-")
    assert "belongs to Ants" in answers[2][1]


def test_codes_clash_in_a_row_of_errors_by_the_command(daisychain: Daisychain, tmp_path: Path) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    rows = "name,for,code,address,contact\nBees,plain,bees,1 Road,Jo\nШкола,plain,,1 Road,\nЦентр,plain,,1 Road,\n"
    (tmp_path / "partners.csv").write_text(rows, encoding="utf-8")
    arguments = ["newsletter", "pack", "may.md", "--brands", "partners.csv", "--out", "packs", "--format", "json"]
    first = daisychain.json(*arguments)
    assert len(set(first["packs"])) == 3
    (tmp_path / "partners.csv").write_text(f"{rows}Ants,plain,bees,1 Road,\n", encoding="utf-8")
    again = daisychain.json(*arguments, code=3)
    assert again["packs"] == first["packs"]
    assert [(each["line"], "belongs to Bees" in each["why"]) for each in again["failed"]] == [(5, True)]
