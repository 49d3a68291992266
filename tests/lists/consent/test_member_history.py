"""The history of a person says what they agreed to, when, in which exact words, and who recorded it."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, select

from daisychain.database import Database
from daisychain.system_user import acting_user
from lists.consent.member_history import member_history
from lists.import_log import undo_import
from lists.imports import ImportOptions, import_members
from lists.lists import create_list
from lists.members import add_member, find_member, unsubscribe, unsubscribe_everywhere
from lists.resubscribe import resubscribe
from lists.sign_up.asking import keep_sign_up
from lists.sign_up.confirming import confirm_sign_up
from lists.sign_up.sign_up_form import add_wording, change_form
from lists.sign_up.typed_sign_up import read_typed
from lists.tables import Import
from tests.command import Daisychain

ANN = "ann@x.org"
WORDS = "Yes, email me news of the Friends."


def sign_up(database: Database) -> None:
    with database.engine.begin() as connection:
        change_form(connection, "friends", by="Priya", is_open=True)
        form = add_wording(connection, "friends", WORDS, by="Priya")
        typed, words = read_typed({"email": ANN}, for_organisations=False), form.wording("en")
        token = keep_sign_up(connection, database.settings, form, typed, words, language="en", network="192.0.2.1")
        confirm_sign_up(connection, token)


def told(connection: Connection, *names: str) -> list[tuple[object, ...]]:
    return [tuple(event[name] for name in names) for event in member_history(connection, ANN)["events"]]


def test_a_sign_up_shows_the_exact_wording_with_version_and_hash(database: Database) -> None:
    with database.engine.begin() as connection:
        create_list(connection, "friends", sender="Friends <news@friends.example>")
    sign_up(database)
    with database.engine.connect() as connection:
        [event] = member_history(connection, ANN)["events"]
    assert event["wording"] == {
        "version": 2, "language": "en", "text": WORDS, "hash": hashlib.sha256(WORDS.encode()).hexdigest(),
    }  # fmt: skip
    assert (event["list"], event["kind"], event["basis"], event["source"]) == (
        "friends", "given", "consent", "sign-up form",
    )  # fmt: skip
    assert event["evidence"].startswith("sign-up 1: confirmed by email, wording 2")
    assert event["collected_by"] == "Friends"
    assert event["at"] == event["recorded_at"]


def test_leaving_coming_back_and_an_undone_import_are_all_there(database: Database, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="Friends <news@friends.example>")
        other = create_list(connection, "others", sender="Friends <news@friends.example>")
        add_member(connection, list_id, ANN, basis="consent", source="stall", by="Jo")
    people = tmp_path / "people.csv"
    people.write_text(f"email\n{ANN}\n")
    with database.engine.begin() as connection:
        import_members(connection, other, people, ImportOptions(basis="consent", source="raffle", by="Priya"))
    with database.engine.begin() as connection:
        undo_import(connection, connection.scalar(select(Import.id)) or 0, by="Bo")
    with database.engine.begin() as connection:
        unsubscribe(connection, list_id, find_member(connection, ANN)["id"], "one-click")
    with database.engine.begin() as connection:
        resubscribe(connection, list_id, ANN, because="asked", evidence="a letter of 3 May", by="Jo")
    with database.engine.begin() as connection:
        unsubscribe_everywhere(connection, find_member(connection, ANN)["id"], "one-click")
        kept = {"number": 1, "file": "people.csv"}
        assert told(connection, "list", "kind", "source", "evidence", "by", "import") == [
            ("friends", "given", "stall", "", "Jo", None),
            ("others", "given", "raffle", "", "Priya", kept),
            ("others", "undone", "undone import", "", "Bo", kept),
            ("friends", "withdrawn", "one-click", "", "", None),
            ("friends", "returned", "by staff", "a letter of 3 May", "Jo", None),
            ("friends", "withdrawn", "one-click", "", "", None),
        ]
        assert member_history(connection, ANN)["suppressed"]["reason"] == "unsubscribed from everything"


def test_the_command_shows_each_event_to_people_and_as_json(daisychain: Daisychain) -> None:
    daisychain("list", "create", "friends", "--from", "Friends <news@friends.example>")
    daisychain("member", "add", ANN, "--list", "friends", "--basis", "consent", "--source", "paper form, 3 May")
    daisychain("list", "unsubscribe", "friends", ANN)
    shown = daisychain("member", "history", f" {ANN.upper()} ").stdout
    for words in ("added", "unsubscribed", "paper form, 3 May", "consent", acting_user()):
        assert words in shown
    events = daisychain.json("member", "history", ANN, "--format", "json")["events"]
    assert [event["kind"] for event in events] == ["given", "withdrawn"]
    assert "Nobody here has the address 'bob@x.org'" in daisychain("member", "history", "bob@x.org", code=1).stderr
    assert "address" in daisychain("member", "history", "no address", code=1).stderr
