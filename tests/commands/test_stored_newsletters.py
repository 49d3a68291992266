"""`daisychain newsletter pull`, `push`, `list`, `versions` and `restore`, and campaigns from stored newsletters."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from daisychain.database import Database
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import find, load
from newsletters.stored.saving import Collision, save
from sender.upkeep.chores import run_chore
from tests.command import Daisychain

TEXT = """\
---
subject: May
toolkit: community-makes-us
layout: letter
---
# May

Dear {{ member.first_name | default("friend") }},

::: button "Get the toolkit" href="{{ toolkit.links.toolkit }}"
"""


@pytest.fixture
def may(daisychain: Daisychain) -> Daisychain:
    """A stored newsletter that is in a file too, and a list with one person."""
    (daisychain.folder / "may.md").write_text(TEXT)
    (daisychain.folder / "people.csv").write_text("Email\nann@people.example\n")
    daisychain("list", "create", "friends", "--from", "Coalition <hello@coalition.example>")
    daisychain("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "form")
    daisychain("newsletter", "push", "may.md")
    return daisychain


def write(daisychain: Daisychain, words: str, folder: str = "") -> Path:
    path = daisychain.folder / folder / "may.md"
    path.write_text(TEXT.replace("# May", f"# {words}"))
    return path


def saves(daisychain: Daisychain) -> list[tuple[int, str, str]]:
    found = daisychain.json("newsletter", "versions", "may", "--format", "json")
    return [(each["version"], each["kind"], each["note"]) for each in found]


def test_a_newsletter_is_pushed_listed_changed_and_restored(may: Daisychain) -> None:
    write(may, "June")
    assert "version 2" in may("newsletter", "push", "may.md").stdout
    (found,) = may.json("newsletter", "list", "--format", "json")
    assert (found["name"], found["title"], found["version"], found["state"]) == ("may", "May", 2, "draft")
    assert "may" in may("newsletter", "list", "may").stdout
    first = may.json("newsletter", "versions", "may", "--format", "json")[-1]
    assert may.json("newsletter", "restore", "may", str(first["id"]), "--format", "json")["version"] == 3
    may("newsletter", "pull", "may")
    assert (may.folder / "may.md").read_text() == TEXT
    assert "kept" in may("newsletter", "versions", "may").stdout


def test_a_push_that_moved_says_who_and_what_to_do_and_can_be_done_then(may: Daisychain) -> None:
    answer = may.json("newsletter", "pull", "may", "theirs", "--format", "json")
    assert answer["files"] == ["theirs/may.md"]
    write(may, "Theirs", "theirs")
    may("newsletter", "push", "theirs/may.md")
    write(may, "Mine")
    refused = may("newsletter", "push", "may.md", code=1).stderr
    assert "saved version 2 of 'may' meanwhile: 1 pieces differ" in refused
    assert "--base 2" in refused
    assert [kind for _, kind, _ in saves(may)] == ["collided", "kept", "kept"]
    assert "has changes that were not pushed" in may("newsletter", "pull", "may", code=1).stderr
    assert "version 3" in may("newsletter", "push", "may.md", "--base", "2").stdout


def test_a_campaign_is_made_from_a_stored_newsletter_tested_looked_at_again_and_sent(may: Daisychain) -> None:
    (may.folder / "may.md").unlink()
    may("newsletter", "check", "may", "--list", "friends")
    may("newsletter", "preview", "may", "--out", "preview", "--no-pictures")
    assert (may.folder / "preview/newsletter.html").is_file()
    may("newsletter", "test", "may", "--to", "you@people.example", "--provider", "outbox", "--list", "friends")
    assert saves(may)[0][:2] == (1, "tested")
    create = ("campaign", "create", "may", "--list", "friends", "--provider", "outbox", "--format", "json")
    first = str(may.json(*create)["id"])
    may("newsletter", "pull", "may")
    write(may, "Changed")
    may("newsletter", "push", "may.md")
    (may.folder / "may.md").unlink()
    assert "changed since" in may("campaign", "send", first, "--yes", code=1).stderr
    second = str(may.json(*create)["id"])
    may("campaign", "send", second, "--yes")
    assert saves(may) == [
        (2, "sent", f"Pushed from may.md; Campaign {second}"),
        (1, "tested", f"Created; Campaign {first}"),
    ]
    assert may.json("newsletter", "list", "--format", "json")[0]["state"] == "sent"
    deleted = may("campaign", "delete", first, "--yes")
    assert "That text is gone or has changed" in deleted.stderr
    assert "campaign create newsletter:may" in deleted.stdout
    may("newsletter", "new", "again", "--from", second)
    assert "# Changed" in (may.folder / "again.md").read_text()


def test_packs_are_made_of_a_stored_newsletter(may: Daisychain) -> None:
    (may.folder / "may.md").unlink()
    may("newsletter", "pack", "may", "--for", "mailchimp", "--out", "packs", "--no-previews")
    assert list((may.folder / "packs").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("campaign", "create", "mai", "--list", "friends"), "There is no newsletter 'mai'"),
        (("newsletter", "check", "mai.md"), "There is no newsletter 'mai.md'"),
        (("newsletter", "pull", "mai"), "Did you mean 'may'?"),
        (("newsletter", "push", "mai.md"), "There is no newsletter 'mai.md'"),
        (("newsletter", "restore", "may", "99"), "no save 99"),
        (("newsletter", "push", "may.md", "--name", "May!"), "There is no newsletter 'May!' here"),
        (("newsletter", "push", "may.md", "--base", "99"), "no version 99"),
    ],
)
def test_a_name_that_is_not_there_is_said(may: Daisychain, arguments: tuple[str, ...], message: str) -> None:
    write(may, "Other")
    assert message in may(*arguments, code=1).stderr


def test_old_versions_are_thinned_by_a_chore(may: Daisychain, database: Database) -> None:
    assert run_chore(database, "old versions") == ""
    with database.engine.begin() as connection:
        stored = find(connection, "may")
        for who in ("Ann", "Sam"):
            change = Change({"": f"{TEXT}{who}"})
            saved = save(connection, stored.id, load(connection, stored.id).version, change, who=who)
            assert not isinstance(saved, Collision)
        connection.execute(text("UPDATE newsletter_saves SET at = date_trunc('hour', now()) - interval '40 days'"))
    assert run_chore(database, "old versions") == "1 old versions of newsletters deleted"
