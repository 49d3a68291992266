"""Files of people who must not be mailed, each with its right result, by the command (tests/cases/suppress)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from daisychain.database import Database
from lists.tables import Suppression
from tests.command import Daisychain
from tests.daisychain.sheets.workbooks import write_xlsx

CASES = Path(__file__).parent.parent / "cases" / "suppress"

# File → whose addresses at ex-p.org are suppressed, and the numbers of the lines that are listed as refused.
EXPECTED: dict[str, tuple[str, list[int]]] = {
    "01-first-line-named.txt": ("ann bob", []),
    "03-first-line-eai.txt": ("bob", [1]),
    "06-sendgrid-bounces.csv": ("ann bob", []),
    "07-title-line.txt": ("ann bob", []),
    "08-two-in-a-cell.csv": ("ann bob cat dan", []),
    "09-outlook-line.txt": ("ann bob cat", []),
    "11-domain-patterns.txt": ("ann", [1, 2]),
}
# Content → the same, for what else people paste.
OTHERS: dict[str, tuple[str, list[int]]] = {
    "mailto:ann@ex-p.org\nmailto:bob@ex-p.org?subject=Stop\n": ("ann bob", []),
    "ann@ex-p.org\nEmail\nbob@ex-p.org\n": ("ann bob", [2]),
    "To: Ann Smith <ann@ex-p.org>, 'Bob' <bob@ex-p.org>\n": ("ann bob", []),
    '"Smith, Ann" <ann@ex-p.org>\n"bob@ex-p.org"\n': ("ann bob", []),
    "Email\nann@ex-p.org; bob@ex-p,org\n": ("ann", [2]),
    "Name,Email\nAnn,\nbob@ex-p.org,\n,cat@ex-p.org\n": ("bob cat", [2]),
    "Name,Email,Reason\nAnn,ann@ex-p.org,told by jo@ex-p.org\nBob,,was bob@ex-p.org\n": ("ann bob", []),
    "Name,Email,Second\nAnn,ann@ex-p.org,bob@ex-p.org\nCat,cat@ex-p.org,,,dan@ex-p.org\n": ("ann bob cat dan", []),
    "Never mail\nName,Address used\nAnn,ann@ex-p.org\n": ("ann", [2]),
    "ann@ex-p.org/bob@ex-p.org\n(cat@ex-p.org).\n\u200bDAN@EX-P.ORG\u200b\n": ("ann bob cat dan", []),
    "o'ann@ex-p.org, 'bob@ex-p.org'\nann [at] ex-p.org\n": ("bob o'ann", [2]),
    "ann%40ex-p.org\nbob＠ex-p.org\n": ("ann bob", []),
    "ann at ex-p.org\nbob@ex-p.org\n": ("bob", [1]),
    "ann@ex-p.org;bob@ex-p.org,cat@ex-p.org dan@ex-p.org\teve@ex-p.org|fay@ex-p.org\n": ("ann bob cat dan eve fay", []),
    "\ufeff\"ann@ex-p.org\"\r\n'bob@ex-p.org',\r\n": ("ann bob", []),
    "ann@ex-p.org…\nbob@ex-p.org – by phone\n<cat@ex-p.org>;\ndan@ex-p.org!\n": ("ann bob cat dan", []),
    "1. ann@ex-p.org\n2) bob@ex-p.org\n• cat@ex-p.org\n**dan@ex-p.org**\n": ("ann bob cat dan", []),
    '["ann@ex-p.org","bob@ex-p.org"]\n': ("ann bob", []),
    "https://x.example/u?e=ann@ex-p.org&l=3\nmailto:bob%40ex-p.org?subject=unsubscribe\n": ("ann bob", []),
    "E-mail;Grund\nann@ex-p.org;abgemeldet\nbob@ex-p.org;unzustellbar\n": ("ann bob", []),
    "ann@ex-p.org\\nbob@ex-p.org\n": ("ann bob", []),
    "ann@ex-p.org\rbob@ex-p.org\rcat@ex-p.org": ("ann bob cat", []),
    "Please remove ann@ex-p.org and bob@ex-p.org.\nThanks, Jo\n": ("ann bob", [2]),
    "@ex-p.org\nex-p.org\n*@bad.example\nann @ ex-p.org\n": ("", [1, 2, 3, 4]),
    '<a href="mailto:ann@ex-p.org">ann@ex-p.org</a>\n': ("ann", []),
}


def suppressed(database: Database) -> str:
    with database.engine.connect() as connection:
        keys = connection.scalars(select(Suppression.address_key).order_by(Suppression.address_key))
        return " ".join(key.removesuffix("@ex-p.org") for key in keys)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_file_gives_its_right_result(name: str, database: Database, tmp_path: Path) -> None:
    daisychain = Daisychain(database.settings, tmp_path)
    answer = daisychain.json("list", "suppress", "--file", str(CASES / name), "--reason", "asked", "--format", "json")
    people, refused = EXPECTED[name]
    assert (suppressed(database), [row["line"] for row in answer["refused_rows"]]) == (people, refused)
    assert answer["read"] == len(people.split()) + len(refused)


@pytest.mark.parametrize("content", OTHERS)
def test_every_address_is_found_and_every_line_without_one_is_listed(
    content: str, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "never.txt").write_text(content, encoding="utf-8")
    daisychain = Daisychain(database.settings, tmp_path)
    answer = daisychain.json("list", "suppress", "--file", "never.txt", "--reason", "asked", "--format", "json")
    assert (suppressed(database), [row["line"] for row in answer["refused_rows"]]) == OTHERS[content]


def test_a_first_line_with_a_comma_for_a_dot_stops_it_and_nothing_is_done(database: Database, tmp_path: Path) -> None:
    daisychain = Daisychain(database.settings, tmp_path)
    path = CASES / "05-first-line-comma.txt"
    stopped = daisychain("list", "suppress", "--file", str(path), "--reason", "asked", code=1)
    assert "ann@charity.org?" in stopped.stderr
    assert suppressed(database) == ""


def test_all_cases_are_tried() -> None:
    assert {path.name for path in CASES.glob("*.*")} == {*EXPECTED, "05-first-line-comma.txt", "EXPECTED.md"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
def test_a_file_in_any_encoding_gives_all_its_addresses(encoding: str, database: Database, tmp_path: Path) -> None:
    text = "Name;Adresse\r\nJörg;ann@ex-p.org\r\n" + "Zoë;bob@ex-p.org\r\n" * 12
    (tmp_path / "never.txt").write_bytes(text.encode(encoding))
    daisychain = Daisychain(database.settings, tmp_path)
    options = ["--encoding", encoding] if encoding == "cp1252" else []
    daisychain("list", "suppress", "--file", "never.txt", "--reason", "asked", *options)
    assert suppressed(database) == "ann bob"


def test_a_workbook_gives_the_addresses_of_all_its_columns(database: Database, tmp_path: Path) -> None:
    cells = {
        "A1": "Never mail these",
        "A3": "Ann",
        "B3": "ann@ex-p.org",
        "A4": "bob@ex-p.org; cat@ex-p.org",
        "A5": "me",
    }
    write_xlsx(tmp_path / "never.xlsx", {"Sheet1": dict(cells)})
    daisychain = Daisychain(database.settings, tmp_path)
    answer = daisychain.json("list", "suppress", "--file", "never.xlsx", "--reason", "asked", "--format", "json")
    assert (suppressed(database), [row["line"] for row in answer["refused_rows"]]) == ("ann bob cat", [5])
