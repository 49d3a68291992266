"""The commands as scripts run them: exit codes, what stands on stdout, and what does not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from commands.lists import lists
from daisychain.database import Database
from daisychain.errors import DaisychainError, InputError, StateError
from daisychain.installation import Installation
from daisychain.sheets.open_sheet import open_sheet
from tests.daisychain.sheets.workbooks import write_xlsx

Run = Callable[..., Result]
CREATE = ("create", "friends", "--from", "Friends <news@friends.example>")


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `daisychain list …` on the fresh database in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    installation = Installation()
    installation.__dict__["database"] = database

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(lists, arguments, obj=installation)
        if result.exception and not isinstance(result.exception, SystemExit | DaisychainError):
            raise result.exception
        return result

    return invoke


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_from_a_csv_to_an_export_and_back(run: Run, sheet: Callable[..., Path], tmp_path: Path) -> None:
    assert answer(run(*CREATE, "--format", "json"))["from"] == "Friends <news@friends.example>"
    rows = "Email,First name,Town\nann@x.org,=1+1,Leeds\nbob@x.org,Bob,\nbob,Bob,\n"
    imported = answer(
        run("import", "friends", str(sheet(rows)), "--basis", "consent", "--source", "form", "--format", "json")
    )
    assert {key: imported[key] for key in ("read", "added", "updated", "unchanged", "refused")} == {
        "read": 3, "added": 2, "updated": 0, "unchanged": 0, "refused": 1,
    }  # fmt: skip
    assert imported["refused_file"] == str(tmp_path / "people.refused.csv")
    assert answer(run("unsubscribe", "friends", "BOB@x.org", "--format", "json"))["new"] is True
    exported = run("export", "friends").stdout
    found = list(csv.DictReader(io.StringIO(exported)))
    assert [(row["email"], row["first_name"], row["town"], row["list_state"], row["list_basis"]) for row in found] == [
        ("ann@x.org", "'=1+1", "Leeds", "subscribed", "consent"), ("bob@x.org", "Bob", "", "unsubscribed", "consent"),
    ]  # fmt: skip
    assert "ann@x.org,=1+1," in run("export", "friends", "--exact").stdout
    assert [person["email"] for person in answer(run("export", "friends", "--format", "json"))] == [
        "ann@x.org",
        "bob@x.org",
    ]

    run("create", "others", "--from", "Others <news@others.example>")
    moved = answer(run("import", "others", str(sheet(exported, "moved.csv")), "--format", "json"))
    assert (moved["added"], moved["refused_because"]) == (1, {"not subscribed": 1})
    assert moved["custom_fields"] == ["town"]
    assert answer(run("show", "others", "--format", "json"))["fields"]["first_name"] == 1


def test_what_people_should_know_goes_to_stderr(run: Run, sheet: Callable[..., Path]) -> None:
    run(*CREATE)
    result = run("import", "friends", str(sheet("Email,Town,Notes\nann@x.org,Leeds,x\nbob,,\n")), "--map", "=Notes")
    assert "refused" in result.stdout
    assert "member.town" in result.stderr
    assert "left out: Notes" in result.stderr
    assert "Consent is recorded as unknown" in result.stderr
    assert "1 refused rows, with reasons: " in result.stderr
    assert "people.refused.csv" in result.stderr


def test_the_sheet_that_was_read_is_named_and_another_can_be_chosen(run: Run, tmp_path: Path) -> None:
    run(*CREATE)
    sheets = {"New": {"A1": "Email", "A2": "ann@x.org"}, "Old": {"A1": "Email", "A2": "zoe@x.org"}}
    path = str(write_xlsx(tmp_path / "people.xlsx", sheets))
    assert "Read the sheet “New”, and not “Old”" in run("import", "friends", path).stderr
    assert "Read the sheet “New”" in run("suppress", "--file", path, "--reason", "old").stderr
    chosen = answer(run("import", "friends", path, "--sheet", "old", "--format", "json"))
    assert (chosen["added"], chosen["note"]) == (1, "")


def test_an_uncertain_encoding_is_asked_for_and_nothing_is_written(run: Run, sheet: Callable[..., Path]) -> None:
    run(*CREATE)
    path = str(sheet("Email,Name\nann@x.org,José\n".encode("cp1252")))
    result = run("import", "friends", path)
    assert isinstance(result.exception, InputError)
    assert "--encoding cp1252     José" in str(result.exception)
    assert answer(run("export", "friends", "--format", "json")) == []
    assert answer(run("import", "friends", path, "--encoding", "cp1252", "--format", "json"))["added"] == 1


def test_a_dry_run_says_so_and_keeps_nothing(run: Run, sheet: Callable[..., Path]) -> None:
    run(*CREATE)
    result = run("import", "friends", str(sheet("Email\nann@x.org\n")), "--dry-run", "--refused", "elsewhere.csv")
    assert "Dry run: nothing was kept" in result.stdout
    assert answer(run("list", "--format", "json"))[0]["mailable"] == 0
    assert answer(run("export", "friends", "--format", "json")) == []


def test_tables_for_people(run: Run, sheet: Callable[..., Path]) -> None:
    run(*CREATE)
    run("import", "friends", str(sheet("Email,Town\nann@x.org,Leeds\nbob@x.org,\n")))
    assert "friends" in run("list").stdout
    shown = run("show", "friends").stdout
    assert "50%" in shown
    assert "unknown" in shown
    assert "is now unsubscribed" in run("unsubscribe", "friends", "ann@x.org").stdout
    assert "was already unsubscribed" in run("unsubscribe", "friends", "ann@x.org").stdout
    assert "is now suppressed" in run("suppress", "ann@x.org", "--reason", "phoned").stdout
    listed = run("suppress", "--file", str(sheet("ann@x.org\nbob\n", "s.csv")), "--reason", "old")
    assert "s.csv:2: has no @" in listed.stderr
    counted = answer(run("suppress", "--file", "s.csv", "--reason", "old", "--format", "json"))
    assert (counted["read"], counted["added"], counted["unchanged"], counted["refused"]) == (2, 0, 1, 1)


def test_a_list_is_edited_and_its_people_stay(run: Run, sheet: Callable[..., Path]) -> None:
    run(*CREATE, "--title", "Friends")
    run("import", "friends", str(sheet("Email\nann@x.org\n")))
    changes = ("--title", "Friends of the daisy", "--rename", "daisies", "--from", "Daisies <hello@daisies.example>")
    edited = answer(run("edit", "friends", *changes, "--format", "json"))
    assert (edited["name"], edited["title"]) == ("daisies", "Friends of the daisy")
    assert (edited["from"], edited["mailable"]) == ("Daisies <hello@daisies.example>", 1)
    assert "“Friends of the daisy”" in run("edit", "daisies", "--rename", "daisies").stdout
    run(*CREATE)
    assert "already a list" in str(run("edit", "friends", "--rename", "daisies").exception)


@pytest.mark.parametrize(
    ("reason", "flag"),
    [
        ("complaint", "--although-they-complained"),
        ("hard bounce", "--although-it-bounced"),
        ("soft bounces", "--although-it-bounced"),
        ("the file says Status = Spam complaint", "--although-they-complained"),
        ("the file says Status = Cleaned", "--although-it-bounced"),
        ("asked by phone", ""),
    ],
)
def test_a_suppression_is_lifted_with_a_reason(run: Run, reason: str, flag: str) -> None:
    run("suppress", "ann@x.org", "--reason", reason)
    command = ("unsuppress", "ann@x.org", "--because", "a typing error")
    if flag:
        refused = run(*command)
        assert isinstance(refused.exception, StateError)
        assert flag in str(refused.exception)
        command = (*command, flag)
    assert "no longer suppressed" in run(*command).stdout
    assert isinstance(run(*command).exception, InputError)


@pytest.mark.parametrize(
    "arguments",
    [
        ("edit", "friends"),
        ("edit", "friends", "--rename", "Old Friends"),
        ("edit", "friends", "--from", "news@friends.example"),
        ("unsuppress", "zoe@x.org", "--because", "x"),
        ("show", "foes"),
        ("export", "foes"),
        ("import", "foes", "x.csv"),
        ("import", "friends", "none.csv"),
        ("unsubscribe", "friends", "zoe@x.org"),
        ("unsubscribe", "friends", "zoe"),
        ("suppress", "--reason", "x"),
        ("suppress", "a@x.org", "--file", "x.csv", "--reason", "x"),
        ("create", "more", "--from", "More <more@x.org>", "--tracking", "per-person"),
        ("edit", "friends", "--tracking", "off"),
    ],
)
def test_bad_input_is_an_error_for_people_and_leaves_stdout_empty(run: Run, arguments: tuple[str, ...]) -> None:
    run(*CREATE)
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    assert result.stdout == ""


@pytest.mark.parametrize("name", sorted(lists.commands))
def test_every_command_has_help_and_is_in_the_docs(name: str) -> None:
    command = lists.commands[name]
    assert command.help
    assert all(
        option.help for option in command.params if isinstance(option, click.Option) and option.name != "format_"
    )
    assert f"daisychain list {name}" in (Path(__file__).parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")


def test_the_example_in_the_docs_is_read_as_the_docs_say(sheet: Callable[..., Path]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")
    with open_sheet(sheet(page.split("```csv\n")[1].split("```")[0])) as example:
        assert example.header == ["Email", "First name", "Last name", "Language", "Town"]
        assert all(not problem for _, _, problem in example.rows())


def test_a_list_is_created_with_dimensions_and_gets_others_later(run: Run) -> None:
    created = run(*CREATE, "--dimension", "region", "--dimension", "partner", "--format", "json")
    assert json.loads(created.stdout)["dimensions"] == ["region", "partner"]
    assert "region, partner" in run("show", "friends").stdout
    done = run("edit", "friends", "--dimension", "organisation")
    assert "counted by organisation." in done.stdout
    assert "has a value for organisation yet" in done.stderr
    assert isinstance(run("edit", "friends", "--dimension", "email").exception, InputError)
    assert json.loads(run("edit", "friends", "--dimension", "", "--format", "json").stdout)["dimensions"] == []
