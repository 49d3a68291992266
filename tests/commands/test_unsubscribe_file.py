"""`list unsubscribe NAME --file`: everybody in a file leaves one list."""

from __future__ import annotations

from tests.command import Daisychain

ROWS = "Email,Note\nann@people.example,x\nnobody,x\nnew@people.example,x\nANN@people.example,x\n"


def test_a_file_of_addresses_leaves_one_list_and_is_remembered(friends: Daisychain) -> None:
    friends("list", "create", "others", "--from", "Others <hello@coalition.example>")
    friends("list", "import", "others", "people.csv")
    (friends.folder / "left.csv").write_text(ROWS)
    command = ("list", "unsubscribe", "friends", "--file", "left.csv")
    assert "there is no terminal" in friends(*command, code=1).stderr
    counts = {"read": 4, "unsubscribed": 1, "remembered": 1, "unchanged": 1, "refused": 1}
    for option in ("--dry-run", "--yes"):
        answer = friends.json(*command, option, "--format", "json")
        assert {name: answer[name] for name in counts} == counts
        assert answer["refused_rows"] == [{"line": 3, "reason": "has no @"}]
        shown = friends.json("list", "show", "friends", "--format", "json")
        assert (shown["mailable"], shown["unsubscribed"]) == ((3, 0) if option == "--dry-run" else (2, 2))
    assert friends.json("list", "show", "others", "--format", "json")["mailable"] == 3
    (friends.folder / "old.csv").write_text("Email\nann@people.example\nnew@people.example\n")
    answer = friends.json("list", "import", "friends", "old.csv", "--format", "json")
    assert answer["refused_because"] == {"left this list": 2}
    assert "left.csv:3: has no @" in friends(*command, "--yes").stderr


def test_either_an_address_or_a_file_is_unsubscribed(friends: Daisychain) -> None:
    assert "either one address or --file" in friends("list", "unsubscribe", "friends", code=1).stderr
