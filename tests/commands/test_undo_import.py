"""`list undo-import`: an import is taken back by its number, and what happened since stays."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import text

from daisychain.database import Database
from lists.tables import BY_PAGE
from sender.upkeep.chores import run_chore
from tests.command import Daisychain

SECOND = """Email,First name,Town,Status
ann@people.example,Anna,Leeds,active
bob@people.example,Bob,,unsubscribed
dan@people.example,Dan,Hull,active
eve@people.example,Eve,,unsubscribed
fay@people.example,Fay,,bounced
"""


def people(friends: Daisychain) -> list[dict[str, str]]:
    """Everybody of the list, as the export writes them."""
    return list(csv.DictReader(io.StringIO(friends("list", "export", "friends").stdout)))


def import_(friends: Daisychain, rows: str, *options: str) -> int:
    (friends.folder / "second.csv").write_text(rows)
    answer = friends.json("list", "import", "friends", "second.csv", *options, "--format", "json")
    return int(answer["number"])


def undo(friends: Daisychain, number: int, *options: str) -> Any:
    return friends.json("list", "undo-import", str(number), *(options or ("--yes",)), "--format", "json")


def execute(friends: Daisychain, statement: str, **values: Any) -> Any:
    """Run a statement in the database of this installation."""
    database = Database(friends.settings)
    with database.engine.begin() as connection:
        done = connection.execute(text(statement), values)
        rows = done.all() if done.returns_rows else None
    database.engine.dispose()
    return rows


def test_an_undone_import_leaves_everything_as_it_was(friends: Daisychain) -> None:
    execute(friends, "UPDATE memberships SET basis = 'unknown', source = '', collected_by = 'Oak Trust'")
    execute(friends, 'UPDATE members SET fields = \'{"town": "York", "pet": "cat"}\' WHERE first_name = \'Ann\'')
    friends("list", "edit", "friends", "--also-named", "Elm Trust")
    before = people(friends)
    number = import_(friends, SECOND, "--basis", "consent", "--source", "form", "--collected-by", "Elm Trust")
    assert {row["list_collected_by"] for row in people(friends)} == {"Oak Trust", "Elm Trust", ""}
    dry = undo(friends, number, "--dry-run")
    assert people(friends) != before
    assert "no terminal" in friends("list", "undo-import", str(number), code=1).stderr
    done = undo(friends, number)
    assert people(friends) == before
    counts = {"taken_off": 1, "subscribed_again": 1, "fields_restored": 1, "consents_restored": 1,
              "objections_forgotten": 2, "suppressions_removed": 1, "members_deleted": 3}  # fmt: skip
    assert {key: done[key] for key in counts} == counts == {key: dry[key] for key in counts}
    assert execute(friends, "SELECT count(*) FROM members") == [(3,)]
    assert execute(friends, "SELECT 1 FROM suppressions UNION ALL SELECT 1 FROM import_changes") == []
    assert "undone already" in friends("list", "undo-import", str(number), "--yes", code=1).stderr
    number = import_(friends, SECOND)
    assert undo(friends, number)["taken_off"] == 1


def test_what_somebody_changed_since_stays(friends: Daisychain) -> None:
    number = import_(friends, SECOND)
    later = "Email,First name,Pet\nann@people.example,Annie,dog\n"
    import_(friends, later)
    friends("list", "unsubscribe", "friends", "dan@people.example")
    friends("list", "unsubscribe", "friends", "bob@people.example")
    friends("list", "suppress", "fay@people.example", "--reason", "asked by phone")
    undo(friends, number)
    found = {row["email"]: row for row in people(friends)}
    ann = found["ann@people.example"]
    assert (ann["first_name"], ann.get("town", ""), ann["pet"]) == ("Annie", "", "dog")
    assert {email: row["list_state"] for email, row in found.items()} == {
        "ann@people.example": "subscribed", "bob@people.example": "unsubscribed", "cay@people.example": "subscribed",
        "dan@people.example": "unsubscribed",
    }  # fmt: skip
    assert execute(friends, "SELECT address_key, reason FROM suppressions") == [
        ("fay@people.example", "asked by phone")
    ]


def test_a_member_who_was_mailed_stays_so_that_their_links_go_on_working(friends: Daisychain) -> None:
    number = import_(friends, SECOND, "--basis", "consent", "--source", "form")
    draft = friends.json("campaign", "create", "bulletin.md", "--list", "friends", "--format", "json")["id"]
    friends("campaign", "send", str(draft), "--yes", "--as-created")
    assert undo(friends, number)["members_deleted"] == 0  # people who are in the ledger as excluded stay too
    assert ("dan@people.example",) in execute(friends, "SELECT email FROM members")


def test_imports_are_listed_with_what_they_did(friends: Daisychain) -> None:
    number = import_(friends, SECOND)
    undo(friends, number)
    second, first = friends.json("list", "imports", "friends", "--format", "json")
    assert (second["number"], second["file"], second["counts"]["remembered"]) == (number, "second.csv", 2)
    assert second["by"] == second["undone_by"] != ""
    assert (first["file"], first["counts"]["added"], first["undone_at"]) == ("people.csv", 3, None)
    assert "second.csv" in friends("list", "imports", "friends").stdout


@pytest.mark.parametrize("days", [6, 8])
def test_an_import_can_be_undone_for_seven_days(friends: Daisychain, days: int) -> None:
    number = import_(friends, SECOND)
    execute(friends, "UPDATE imports SET at = at - make_interval(days => :days)", days=days)
    result = friends("list", "undo-import", str(number), "--dry-run", code=0 if days < 7 else 1)
    assert ("older than 7 days" in result.stderr) == (days > 7)
    assert "no import 99" in friends("list", "undo-import", "99", code=1).stderr


def test_values_from_before_an_import_are_deleted_when_it_can_not_be_undone_any_more(friends: Daisychain) -> None:
    import_(friends, SECOND)
    assert execute(friends, "SELECT count(*) FROM import_changes") == [(1,)]
    execute(friends, "UPDATE imports SET at = at - interval '8 days'")
    database = Database(friends.settings)
    assert run_chore(database, "old imports") == "1 values from before imports deleted"
    database.close()
    assert execute(friends, "SELECT count(*) FROM import_changes") == [(0,)]


NO = "Email,Status\nbob@people.example,unsubscribed\nfay@people.example,deceased\n"


@pytest.mark.parametrize("undone", [(0,), (1,), (0, 1), (1, 0)])
def test_a_no_that_two_files_say_outlives_the_undo_of_either(friends: Daisychain, undone: tuple[int, ...]) -> None:
    numbers = [import_(friends, NO), import_(friends, NO)]
    for each in undone:
        undo(friends, numbers[each])
    assert {row["list_state"] for row in people(friends) if row["email"] == "bob@people.example"} == {"unsubscribed"}
    import_(friends, "Email\nbob@people.example\nfay@people.example\n", "--basis", "consent", "--source", "form")
    mailed = {row["email"] for row in people(friends) if row["list_state"] == "subscribed"}
    assert mailed == {"ann@people.example", "cay@people.example"}
    assert execute(friends, "SELECT address_key FROM suppressions") == [("fay@people.example",)]


def test_a_no_in_a_file_of_addresses_outlives_the_undo_of_an_import_that_said_it_first(friends: Daisychain) -> None:
    number = import_(friends, NO)
    (friends.folder / "left.csv").write_text("bob@people.example\n")
    friends("list", "unsubscribe", "friends", "--file", "left.csv", "--yes")
    assert undo(friends, number)["subscribed_again"] == 0


def test_a_no_in_a_file_outlives_the_undo_of_a_click_on_the_page(friends: Daisychain) -> None:
    execute(friends, "UPDATE memberships SET state = 'unsubscribed', left_at = now(), left_how = :how", how=BY_PAGE)
    import_(friends, NO)
    ways = execute(friends, "SELECT left_how FROM memberships JOIN members ON member_id = id WHERE email ~ 'bob'")
    assert ways == [("import, again",)]


def test_files_that_are_only_tried_or_stopped_by_a_question_use_no_number(friends: Daisychain) -> None:
    number = import_(friends, SECOND)
    (friends.folder / "unclear.csv").write_text("Email,Do not mail\nann@people.example,perhaps\n")
    tried = SECOND.replace("Anna", "Anne")
    (friends.folder / "second.csv").write_text(tried)
    dry = friends.json("list", "import", "friends", "second.csv", "--dry-run", "--format", "json")
    assert (dry["number"], dry["updated"]) == (None, 1)
    friends("list", "import", "friends", "unclear.csv", code=1)
    assert import_(friends, tried) == number + 1
