"""Overrides: an error stands only by its name and with a reason, and who let it stand can be read ever after."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from daisychain.system_user import acting_user
from lists.tables import Membership
from newsletters.checks import codes
from sender.campaigns import drafts
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.overrides import Overrides, read_overrides
from sender.campaigns.status import campaign_status
from sender.campaigns.steering import begin
from tests.command import Daisychain
from tests.sender.staging import add_list, add_people

BULLETIN = """\
---
subject: Hello
preheader: And welcome
toolkit: community-makes-us
---
# Hello

To be clear: XXX is what we call it.
"""
TWO = f"{BULLETIN}\n[Look](page.html)\n"


def write(folder: Path, text: str) -> Path:
    """A document with this text."""
    file = folder / "may.md"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def friends(database: Database) -> Database:
    """A database with a list of one person."""
    with database.engine.begin() as connection:
        add_people(connection, add_list(connection), [1])
    return database


def draft(database: Database, settings: Settings, file: Path, *given: str) -> int:
    """A campaign of a document with these overrides."""
    with database.engine.begin() as connection:
        return drafts.create(
            connection, settings, file, list_name="friends", provider="outbox", overrides=read_overrides(given, "Ann"),
        ).id  # fmt: skip


def test_an_error_that_is_overridden_stands_and_who_and_why_are_kept(
    friends: Database, settings: Settings, tmp_path: Path
) -> None:
    id_ = draft(friends, settings, write(tmp_path, BULLETIN), "words-placeholder=XXX is the band's name")
    with friends.engine.connect() as connection:
        [kept] = campaign_status(connection, id_).overrides
    assert (kept.code, kept.who, kept.because) == ("words-placeholder", "Ann", "XXX is the band's name")
    assert kept.at
    [found] = kept.findings
    assert found["place"].endswith("may.md:8")
    assert "XXX" in found["message"]


def test_the_errors_that_are_left_still_stop_it(friends: Database, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 of the checks failed:\n  links-no-scheme: .*may.md:10") as caught:
        draft(friends, settings, write(tmp_path, TWO), "words-placeholder=a name")
    assert "--override links-no-scheme=REASON" in caught.value.hint
    with friends.engine.connect() as connection:
        assert not connection.exec_driver_sql("SELECT 1 FROM campaigns UNION SELECT 1 FROM campaign_overrides").all()


def test_an_override_of_what_was_not_found_is_refused(friends: Database, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no links-dead"):
        draft(friends, settings, write(tmp_path, BULLETIN), "words-placeholder=a name", "links-dead=a reason")


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        ("words-placehodler=a name", "There is no check 'words-placehodler'", "Did you mean 'words-placeholder'?"),
        ("words-placeholder", "Why is words-placeholder accepted", 'words-placeholder="REASON"'),
        ("words-placeholder=  ", "Why is words-placeholder accepted", "it is kept"),
        ("links-unsubscribe=a reason", "links-unsubscribe can't be overridden", "Keep the footer"),
        ("compile-error=a reason", "compile-error can't be overridden", "Correct the line"),
        ("links-not-secure=a reason", "links-not-secure can't be overridden", "It is no error"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused_with_what_would(given: str, says: str, hint: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_overrides([given], "Ann")
    assert hint in caught.value.hint


def test_an_override_needs_somebody_and_one_reason() -> None:
    with pytest.raises(InputError, match="Who overrides"):
        read_overrides(["words-placeholder=a"], " ")
    with pytest.raises(InputError, match="twice"):
        read_overrides(["words-placeholder=a", "words-placeholder=b"], "Ann")
    assert read_overrides([], "") == Overrides()


def test_a_reason_may_hold_an_equals_sign() -> None:
    assert read_overrides(["words-placeholder=1 = 1"], "Ann").because == {"words-placeholder": "1 = 1"}


def test_what_can_never_stand_is_what_readers_and_the_mail_need() -> None:
    firm = {name for name, code in codes().items() if code.severity == "error" and not code.overridable}
    assert {"links-unsubscribe", "compile-error", "words-no-subject"} <= firm


def test_people_see_what_stands_before_they_send_and_afterwards(friends: Database, daisychain: Daisychain) -> None:
    write(daisychain.folder, BULLETIN)
    create = ("campaign", "create", "may.md", "--list", "friends", "--provider", "outbox")
    assert "Must be fixed" not in daisychain(*create, code=1).stderr
    told = daisychain(*create, "--override", "words-placeholder=the band's name", "--by", "Bo")
    assert "1 overridden error: daisychain newsletter check may.md --list friends" in told.stdout
    [id_] = re.findall(r"Next: daisychain campaign send (\d+)", told.stdout)
    line = f"words-placeholder (1 found), by Bo ({acting_user()}): the band's name"
    assert line in daisychain("campaign", "send", id_, code=1).stderr
    assert f"Overridden: {line}" in daisychain("campaign", "status", id_).stdout
    test = ("newsletter", "test", "may.md", "--to", "ann@people.example", "--provider", "outbox", "--list", "friends")
    assert "--override words-placeholder=REASON" in daisychain(*test, code=1).stderr
    assert "accepted" in daisychain(*test, "--override", "words-placeholder=only to look at it").stdout


def test_people_without_a_recorded_basis_stop_a_campaign_until_somebody_says_why_not(
    friends: Database, settings: Settings, tmp_path: Path
) -> None:
    file = write(tmp_path, BULLETIN.replace("XXX", "Ox"))
    with friends.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE memberships SET basis = 'unknown'")
    with pytest.raises(InputError, match=r"law-basis-unknown: .*list friends") as caught:
        draft(friends, settings, file)
    assert "--override law-basis-unknown=REASON" in caught.value.hint
    id_ = draft(friends, settings, file, "law-basis-unknown=they all signed the paper list of May")
    with friends.engine.connect() as connection:
        [kept] = campaign_status(connection, id_).overrides
    assert kept.code == "law-basis-unknown"
    assert "1 of 1 people" in kept.findings[0]["message"]


CHARITYS: dict[str, Any] = {
    "basis": "soft-opt-in-charity", "consented_at": datetime(2026, 3, 1, tzinfo=UTC), "collected_by": "Friends"
}  # fmt: skip
BROKEN: dict[str, dict[str, Any]] = {
    "from before 5 February 2026": {**CHARITYS, "consented_at": datetime(2026, 2, 4, 23, 59, tzinfo=UTC)},
    "has no date of collection": {**CHARITYS, "consented_at": None},
    "which organisation": {**CHARITYS, "collected_by": ""},
    "another organisation": {"collected_by": "Oak Trust"},
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_basis_that_cannot_hold_stops_a_campaign_until_somebody_says_why_not(
    friends: Database, settings: Settings, tmp_path: Path, says: str
) -> None:
    file = write(tmp_path, BULLETIN.replace("XXX", "Ox"))
    with friends.engine.begin() as connection:
        connection.execute(update(Membership).values(BROKEN[says]))
    with pytest.raises(InputError, match=rf"law-basis-invalid: .*list friends.*{says}") as caught:
        draft(friends, settings, file)
    assert "--override law-basis-invalid=REASON" in caught.value.hint
    id_ = draft(friends, settings, file, "law-basis-invalid=the trustees decided it on 3 May")
    with friends.engine.begin() as connection:
        [kept] = campaign_status(connection, id_).overrides
        assert (kept.code, kept.because) == ("law-basis-invalid", "the trustees decided it on 3 May")
        assert begin(connection, settings, find_campaign(connection, id_)) == 1


@pytest.mark.parametrize("broken", [BROKEN["another organisation"], {"basis": "unknown"}])
def test_people_who_join_after_the_checks_are_asked_about_again_at_the_freeze(
    friends: Database, settings: Settings, tmp_path: Path, broken: dict[str, Any]
) -> None:
    id_ = draft(friends, settings, write(tmp_path, BULLETIN.replace("XXX", "Ox")))
    with friends.engine.begin() as connection:
        connection.execute(update(Membership).values(broken))
    with friends.engine.begin() as connection, pytest.raises(StateError, match="For 1 people") as caught:
        begin(connection, settings, find_campaign(connection, id_))
    assert "daisychain list audit friends" in caught.value.hint
