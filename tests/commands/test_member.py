"""The commands for one person: added, shown, and subscribed again by their own wish."""

from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.database import Database
from tests.command import ROOT, Daisychain

ANN = "ann@x.org"
BACK = ("member", "resubscribe", ANN, "--list", "friends", "--because", "asked by phone", "--evidence", "note of 3 May")


@pytest.fixture
def daisychain(database: Database, tmp_path: Path) -> Daisychain:
    run = Daisychain(database.settings, tmp_path)
    run("list", "create", "friends", "--from", "Friends <news@friends.example>")
    return run


def test_a_person_is_added_and_shown(daisychain: Daisychain) -> None:
    named = ("--first-name", "Ann", "--language", "Welsh", "--basis", "consent", "--source", "paper form")
    assert "is now on friends" in daisychain("member", "add", ANN, "--list", "friends", *named).stdout
    assert "was already on friends" in daisychain("member", "add", ANN, "--list", "friends").stdout
    shown = daisychain.json("member", "show", ANN.upper(), "--format", "json")
    assert (shown["email"], shown["first_name"], shown["language"]) == (ANN, "Ann", "cy")
    assert [(row["list"], row["state"], row["basis"], row["source"]) for row in shown["lists"]] == [
        ("friends", "subscribed", "consent", "paper form")
    ]
    assert shown["lists"][0]["consented_at"]
    assert (shown["suppressed"], shown["history"]) == ([], [])
    assert "paper form" in daisychain("member", "show", ANN).stdout


def test_somebody_who_left_comes_back_only_by_their_own_wish(daisychain: Daisychain) -> None:
    daisychain("member", "add", ANN, "--list", "friends")
    daisychain("list", "unsubscribe", "friends", ANN)
    assert "member resubscribe" in daisychain("member", "add", ANN, "--list", "friends", code=1).stderr
    daisychain(*BACK)
    shown = daisychain.json("member", "show", ANN, "--format", "json")
    place, kept = shown["lists"][0], shown["history"][0]
    assert (place["state"], place["left_how"], place["basis"]) == ("subscribed", "", "consent")
    assert place["source"] == "note of 3 May"
    assert (kept["list"], kept["because"], kept["evidence"]) == ("friends", "asked by phone", "note of 3 May")
    assert kept["before"]["left_how"] == "by staff"
    assert daisychain.json("list", "show", "friends", "--format", "json")["mailable"] == 1
    assert "is subscribed" in daisychain(*BACK, code=1).stderr


def test_a_suppressed_person_comes_back_in_two_steps_that_are_kept(daisychain: Daisychain) -> None:
    daisychain("member", "add", ANN, "--list", "friends")
    daisychain("list", "unsubscribe", "friends", ANN)
    daisychain("list", "suppress", ANN, "--reason", "hard bounce")
    assert "list unsuppress" in daisychain(*BACK, code=1).stderr
    lift = ("list", "unsuppress", ANN, "--because", "the mailbox is back")
    assert "--although-it-bounced" in daisychain(*lift, code=1).stderr
    daisychain(*lift, "--although-it-bounced")
    daisychain(*BACK)
    history = daisychain.json("member", "show", ANN, "--format", "json")["history"]
    assert [(row["list"], row["because"]) for row in history] == [
        (None, "the mailbox is back"), ("friends", "asked by phone"),
    ]  # fmt: skip
    assert history[0]["before"]["reason"] == "hard bounce"


def test_a_suppressed_address_without_a_member_is_shown_and_not_added(daisychain: Daisychain) -> None:
    daisychain("list", "suppress", ANN, "--reason", "asked by phone")
    assert daisychain.json("member", "show", ANN, "--format", "json")["suppressed"][0]["reason"] == "asked by phone"
    assert "suppressed" in daisychain("member", "add", ANN, "--list", "friends", code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("member", "show", "zoe@x.org"),
        ("member", "show", "zoe"),
        ("member", "add", "zoe", "--list", "friends"),
        ("member", "add", "zoe@x.org", "--list", "foes"),
        ("member", "add", "zoe@x.org", "--list", "friends", "--basis", "consent"),
        ("member", "add", "zoe@x.org", "--list", "friends", "--basis", "soft-opt-in-charity", "--source", "form"),
        ("member", "add", "zoe@x.org", "--list", "friends", "--language", "???"),
        BACK,
        (*BACK[:-1], " "),
    ],
)
def test_bad_input_is_an_error_and_adds_nobody(daisychain: Daisychain, arguments: tuple[str, ...]) -> None:
    assert daisychain(*arguments, code=1).stdout == ""
    assert daisychain("list", "export", "friends", "--format", "json").stdout.strip() in {"[]", "[\n]"}


def test_history_is_only_inserted_into() -> None:
    rooms = ("lists", "sender", "commands", "pages")
    code = [path.read_text(encoding="utf-8") for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert sum("insert(Restoration)" in text for text in code) == 1
    assert not any(change in text for text in code for change in ("update(Restoration", "delete(Restoration"))
