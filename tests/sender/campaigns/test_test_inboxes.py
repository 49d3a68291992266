"""Test sets: kept names for the inboxes that tests go to."""

from __future__ import annotations

import pytest

from daisychain.database import Database
from daisychain.errors import InputError
from sender.campaigns import test_inboxes
from tests.command import Daisychain
from tests.daisychain.sheets.workbooks import write_xlsx


def test_a_test_goes_to_each_address_of_its_sets_and_to_others_once(daisychain: Daisychain) -> None:
    (daisychain.folder / "may.md").write_text(
        "---\ntoolkit: community-makes-us\nsubject: May\npreheader: And more\n"
        "from: Us <us@coalition.example>\n---\nHello.\n"
    )
    daisychain("newsletter", "test-set", "add", "staff", "ann@coalition.example", "bo@coalition.example")
    daisychain("newsletter", "test-set", "add", "service", "seed1@litmus.example", "Ann@Coalition.example")
    sent = daisychain.json(
        "newsletter", "test", "may.md", "--to-set", "staff", "--to-set", "service",
        "--to", "cy@coalition.example,BO@coalition.example", "--format", "json",
    )  # fmt: skip
    assert sorted((mail["address"].lower(), mail["state"]) for mail in sent["mails"]) == [
        ("ann@coalition.example", "accepted"),
        ("bo@coalition.example", "accepted"),
        ("cy@coalition.example", "accepted"),
        ("seed1@litmus.example", "accepted"),
    ]
    daisychain("newsletter", "test-set", "remove", "service")
    listed = daisychain.json("newsletter", "test-set", "list", "--format", "json")
    assert listed == {"staff": ["ann@coalition.example", "bo@coalition.example"]}
    told = daisychain("newsletter", "test", "may.md", "--to-set", "staf", code=1)
    assert "There is no test set named 'staf'" in told.stderr
    assert "staff" in told.stderr
    assert "--to-set NAME" in daisychain("newsletter", "test", "may.md", code=1).stderr


def test_addresses_can_come_from_a_file(daisychain: Daisychain) -> None:
    write_xlsx(daisychain.folder / "seeds.xlsx", {"Seeds": {"A1": "Name", "B1": "Email", "A2": "Bo", "B2": "bo@a.org"}})
    daisychain("newsletter", "test-set", "add", "staff", "ann@a.org", "--file", "seeds.xlsx")
    assert daisychain.json("newsletter", "test-set", "list", "--format", "json") == {"staff": ["ann@a.org", "bo@a.org"]}
    (daisychain.folder / "seeds.txt").write_text("cy@a.org\nbo\n")
    told = daisychain("newsletter", "test-set", "add", "more", "--file", "seeds.txt", code=1)
    assert "seeds.txt:2: This address can't be used: has no @." in told.stderr
    assert "or --file FILE" in daisychain("newsletter", "test-set", "add", "more", code=1).stderr
    assert "more" not in daisychain.json("newsletter", "test-set", "list", "--format", "json")


def test_a_set_holds_each_address_once_and_ends_with_its_last(database: Database) -> None:
    with database.engine.begin() as connection:
        assert test_inboxes.add(connection, "staff", ["ann@a.org", "ANN@a.org", "bo@a.org"]) == 2
        assert test_inboxes.add(connection, "staff", ["bo@a.org", "cy@a.org"]) == 1
        assert test_inboxes.remove(connection, "staff", ["Ann@a.org"]) == 1
        assert test_inboxes.all_sets(connection) == {"staff": ["bo@a.org", "cy@a.org"]}
        test_inboxes.remove(connection, "staff", ["bo@a.org", "cy@a.org"])
        assert test_inboxes.all_sets(connection) == {}
        with pytest.raises(InputError, match="test-set add staff"):
            test_inboxes.require_set(connection, "staff")


@pytest.mark.parametrize(
    ("name", "addresses", "words"),
    [
        (" ", ["ann@a.org"], "needs a name"),
        ("a,b", ["ann@a.org"], "commas"),
        ("staff", ["ann@a.org", "nobody"], "nobody"),
    ],
)
def test_what_can_t_be_kept_is_told_and_nothing_is_kept(
    database: Database, name: str, addresses: list[str], words: str
) -> None:
    with pytest.raises(InputError, match=words), database.engine.begin() as connection:
        test_inboxes.add(connection, name, addresses)
    with database.engine.connect() as connection:
        assert test_inboxes.all_sets(connection) == {}


def test_an_address_that_is_in_no_set_can_t_be_taken_out(database: Database) -> None:
    with database.engine.begin() as connection:
        test_inboxes.add(connection, "staff", ["ann@a.org"])
    wrong = pytest.raises(InputError, match=r"cy@a\.org is not in the test set")
    with wrong, database.engine.begin() as connection:
        test_inboxes.remove(connection, "staff", ["ann@a.org", "cy@a.org"])
    with database.engine.connect() as connection:
        assert test_inboxes.all_sets(connection) == {"staff": ["ann@a.org"]}
