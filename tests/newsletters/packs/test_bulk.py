"""Many at once, and the command line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from newsletters.packs import bulk
from newsletters.packs.bulk import Made, Order, make_many
from newsletters.packs.dialects.dialect import dialects
from tests.command import Daisychain
from tests.newsletters.packs.packing import edition, packed, text
from tests.newsletters.sample_toolkits import picture

HEAD = "name,for,logo,accent,address,intro\n"
ROWS = """\
Bees of Bath,brevo,logo.png,#7a1f5c,1 Road / Bath,We join in.
Pale of Poole,brevo,logo.png,#f5c400,1 Road / Poole,
Nowhere,brevo,,,,
,brevo,,,1 Road,
Odd,mailchip,,,1 Road,
Bees of Bath,brevo,,,1 Road,
"Ants, Acton","brevo,ghost",,,1 Road,
"""


def partners(folder: Path, rows: str = ROWS) -> Path:
    """A CSV of partners, with the logo that it names."""
    (folder / "logo.png").write_bytes(picture(80, 40))
    file = folder / "partners.csv"
    file.write_text(HEAD + rows, encoding="utf-8")
    return file


def make(order: Order, file: Path, told: Callable[[int, int], None] = lambda done, total: None) -> list[Made]:
    """The packs of a CSV of partners."""
    with open_sheet(file) as sheet:
        return make_many(order, sheet, told)


def test_partners_that_fail_are_told_by_line_and_take_nobody_along(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "out"
    results = make(
        Order({"en": edition()}, "", "", out, True), partners(tmp_path), lambda done, total: told.append((done, total))
    )
    assert told[0] == (0, 7)
    assert told[-1] == (7, 7)
    assert sorted(path.name for path in out.glob("*.zip")) == [
        "ants-acton-brevo.zip", "ants-acton-ghost.zip", "bees-of-bath-brevo.zip", "pale-of-poole-brevo.zip",
    ]  # fmt: skip
    failed = {made.line: made.why for made in results if made.why}
    assert sorted(failed) == [4, 5, 6, 7]
    [(line, note)] = [(made.line, *made.notes) for made in results if made.notes]
    assert line == 3
    assert note.startswith("The colour #f5c400 is hard to read on this page: links have #")
    for line, says in {4: "no postal address", 5: "needs a name", 6: "'mailchip'", 7: "line 2"}.items():
        assert says in failed[line]
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["4", "5", "6", "7"]


def test_a_row_with_a_cell_too_many_is_refused_as_nothing_in_it_is_sure_to_be_in_its_place(tmp_path: Path) -> None:
    rows = "Comma Club,plain,,,5 Wick Row, Bath,We join in.\nBees,plain,,,1 Road,,\nAnts,plain,,,1 Road,\n"
    order = Order({"en": edition()}, "", "", tmp_path / "out", True)
    results = make(order, partners(tmp_path, rows))
    assert [made.line for made in results if "a cell with a comma or semicolon needs quotation marks" in made.why] == [
        2,
        3,
    ]
    assert [made.line for made in results if not made.why] == [4]


def test_what_failed_is_told_in_cells_that_no_spreadsheet_runs_in_a_file_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "thesis.txt").write_text("ten years")
    rows = '"=HYPERLINK(""https://a.example"",""Bees"")",none,,,,\n'
    order = Order({"en": edition()}, "", "", out, True)
    for _ in range(2):
        make(order, partners(tmp_path, rows))
        (out / "failures.csv").rename(out / "read.csv")
        (out / "failures.csv").symlink_to(tmp_path / "thesis.txt")
    [row] = csv.DictReader((out / "read.csv").read_text(encoding="utf-8").splitlines())
    assert row["name"] == '\'=HYPERLINK("https://a.example","Bees")'
    assert (tmp_path / "thesis.txt").read_text() == "ten years"


@pytest.mark.processes
def test_many_partners_are_shared_among_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_WORTH_A_POOL", 3)
    rows = "".join(f"Partner {number},brevo,,,1 Road,\n" for number in range(6))
    results = make(
        Order({"en": edition()}, "", "", tmp_path / "out", True),
        partners(tmp_path, rows),
    )
    assert [made.name for made in results] == [f"Partner {number}" for number in range(6)]
    assert len(list((tmp_path / "out").glob("*.zip"))) == 6


def test_each_partner_gets_the_languages_that_it_asked_for(tmp_path: Path) -> None:
    welsh = replace(edition(), document=replace(edition().document, file="may.cy.md", language="cy"))
    sheet = tmp_path / "partners.csv"
    sheet.write_text("name,for,language,address\nA,plain,cy,x\nB,plain,,x\nC,plain,all,x\nD,plain,de,x\n")
    order = Order({"en": edition(), "cy": welsh}, "", "", tmp_path / "out", False)
    results = make(order, sheet)
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == [
        "a-plain-cy", "b-plain", "c-plain", "c-plain-cy",
    ]  # fmt: skip
    assert [made.why for made in results if made.why] == ["There is no newsletter in the language 'de'. Known: cy, en."]
    assert "The email is in Welsh." in (tmp_path / "out/a-plain-cy/README.txt").read_text()
    assert "answer this one" not in (tmp_path / "out/a-plain-cy/email.txt").read_text()
    everybody = make(replace(order, languages="en"), sheet)
    assert [made.why for made in everybody] == [""] * 4


def test_one_problem_fails_one_pack_and_not_the_row(tmp_path: Path) -> None:
    rows = '"Ants, Acton","mailchip,brevo,mailchimp",,,,\n'
    out = tmp_path / "out"
    [made] = make(Order({"en": edition()}, "", "en,de", out, False), partners(tmp_path, rows))
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["ants-acton-mailchimp"]
    assert [(each.tool, each.language) for each in made.problems] == [("", ""), ("brevo", "en"), ("", "")]
    for says in ("no tool 'mailchip'", "Brevo adds none", "language 'de'"):
        assert says in made.why
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["line"], row["tool"]) for row in csv.DictReader(file)] == [("2", ""), ("2", "brevo"), ("2", "")]


def test_the_command_names_the_tools_of_rows_that_name_none(tmp_path: Path) -> None:
    rows = "Ants,,,,1 Road,\nBees,plain,,,1 Road,\n"
    make(Order({"en": edition()}, "ghost", "", tmp_path / "out", False), partners(tmp_path, rows))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ants-ghost", "bees-plain"]


CONDITION = "{% if member.first_name == 'Bath' %}Come to Bath.{% else %}Come with us.{% endif %}\n"


def test_a_condition_that_a_tool_can_not_express_is_reported_once_and_other_tools_are_made(tmp_path: Path) -> None:
    rows = "".join(f'Partner {number},"brevo,plain",,,1 Road,\n' for number in range(3))
    body = "{% if member.first_name %}Come to Bath.{% endif %}\n"
    results = make(Order({"en": edition(body)}, "", "", tmp_path / "out", False), partners(tmp_path, rows))
    assert [(made.line, [each.tool for each in made.problems]) for made in results if made.problems] == [(0, ["plain"])]
    assert results[0].why.startswith("may.md:")
    assert len([path for path in (tmp_path / "out").iterdir() if path.is_dir()]) == 3


@pytest.mark.parametrize("dialect", sorted(dialects()))
def test_with_else_a_tool_that_can_not_test_shows_the_else_part(dialect: str) -> None:
    pack = packed(dialect, CONDITION, otherwise=True)
    for path in ("email.html", "email.txt"):
        assert "Come with us." in text(pack, path)
        assert "Come to Bath." not in text(pack, path)
    with pytest.raises(InputError, match="by this test"):
        packed(dialect, CONDITION)


def test_pictures_that_the_coalition_hosts_are_handed_over_once(tmp_path: Path) -> None:
    rows = "".join(f"Partner {number},brevo,,,1 Road,\n" for number in range(3))
    order = Order({"en": edition(hosted=True)}, "", "", tmp_path / "out", True)
    results = make(order, partners(tmp_path, rows))
    assert [len(made.images) for made in results] == [1, 0, 0]


def test_from_a_newsletter_to_a_verified_pack_by_the_commands(daisychain: Daisychain, tmp_path: Path) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    (tmp_path / "partner.yml").write_text("name: Bees of Bath\naddress: 2 Hive Lane\n", encoding="utf-8")
    answer = daisychain.json(
        "newsletter", "pack", "may.md", "--brand", "partner.yml", "--for", "brevo,outlook", "--out", "packs",
        "--no-previews", "--utm", "source={partner}", "--format", "json",
    )  # fmt: skip
    assert [Path(place).name for place in answer["packs"]] == ["bees-of-bath-brevo", "bees-of-bath-outlook"]
    assert daisychain.json("pack", "verify", answer["packs"][0], "--format", "json")["state"] == "current"
    assert daisychain.json("pack", "list", "--stale", "--format", "json") == []
    daisychain("pack", "withdraw", "may", "--why", "It was wrong.")
    stale = daisychain.json("pack", "list", "--stale", "--format", "json")
    assert [(each["partner"], each["state"], len(each["packs"])) for each in stale] == [
        ("Bees of Bath", "withdrawn", 2)
    ]
    verdict = daisychain.json("pack", "verify", answer["packs"][0], "--format", "json", code=1)
    assert verdict["changes"] == ["It was withdrawn.", "It was wrong."]


def test_hosted_pictures_are_kept_and_served(daisychain: Daisychain, tmp_path: Path) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    (tmp_path / "partners.csv").write_text(HEAD + "A,plain,,,1 Road,\nB,plain,,,,\n", encoding="utf-8")
    arguments = ["newsletter", "pack", "may.md", "--brands", "partners.csv", "--images", "hosted", "--out", "packs"]
    told = daisychain(*arguments, code=3)
    assert "1 problem; " in told.stderr
    assert "line 3, B: B has no postal address" in told.stderr
    assert "/i/" in (tmp_path / "packs/a-plain/email.html").read_text()


def test_the_command_says_what_does_not_go_together(daisychain: Daisychain) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    both = daisychain("newsletter", "pack", "may.md", "--brand", "a", "--brands", "b", "--out", "x", code=1)
    assert "one partner with --brand" in both.stderr
    assert "Known:" in daisychain("newsletter", "pack", "may.md", "--out", "x", code=1).stderr
    assert "Write source" in daisychain("newsletter", "pack", "may.md", "--utm", "x", "--out", "x", code=1).stderr


def test_the_newsletters_own_brand_stands_beside_the_partners(daisychain: Daisychain, tmp_path: Path) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    (tmp_path / "brand.yml").write_text('name: Our Branch\ncolours:\n  primary: "#0b5394"\n')
    (tmp_path / "partner.yml").write_text("name: Bees of Bath\naddress: 2 Hive Lane\n", encoding="utf-8")
    told = daisychain(
        "newsletter", "pack", "may.md", "--brand", "partner.yml", "--for", "plain", "--out", "packs", "--no-previews"
    )
    page = (tmp_path / "packs/bees-of-bath-plain/email.html").read_text()
    assert "Our Branch" in page
    assert "#0b5394" in page
    assert "which partners can't reach" in told.stderr


def test_the_dialects_are_listed_with_what_is_not_confirmed(daisychain: Daisychain) -> None:
    listed = daisychain.json("pack", "dialects", "--format", "json")
    assert {"mailchimp", "outlook", "plain"} <= {each["dialect"] for each in listed}
