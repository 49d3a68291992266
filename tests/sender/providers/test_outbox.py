"""The outbox writes each mail once, whole, where it can be read."""

from __future__ import annotations

import os
import time
from email import message_from_bytes
from pathlib import Path

import pytest

from daisychain.errors import InputError, ProviderError
from daisychain.settings import Settings
from sender.providers.open_provider import PROVIDERS, open_provider
from sender.providers.outbox import WRITING, Outbox
from sender.providers.provider import Verdict
from tests.sender.letters import SENDER, mailing, people, person


def test_a_thousand_mails_become_a_thousand_files(tmp_path: Path) -> None:
    everybody = people(1000)
    outcome = Outbox(Settings(home=tmp_path)).send(mailing(), everybody, "attempt")
    assert (outcome.verdict, outcome.refused, outcome.waiting) == (Verdict.ACCEPTED, {}, frozenset())
    assert {file.name for file in (tmp_path / "outbox" / "7").iterdir()} == {
        f"mail-{one.header_key}.eml" for one in everybody
    }
    message = message_from_bytes((tmp_path / "outbox" / "7" / f"mail-{person(3).header_key}.eml").read_bytes())
    assert message["X-Daisychain-Delivery"] == person(3).header_key
    assert message["To"] == person(3).address


def test_a_second_attempt_leaves_what_is_there_untouched(tmp_path: Path) -> None:
    outbox, letter = Outbox(Settings(home=tmp_path)), mailing()
    outbox.send(letter, people(2), "first")
    before = {file: file.read_bytes() for file in (tmp_path / "outbox" / "7").iterdir()}
    assert outbox.send(letter, people(3), "second").verdict is Verdict.ACCEPTED
    assert {file: file.read_bytes() for file in before} == before
    assert len(list((tmp_path / "outbox" / "7").iterdir())) == 3


def test_a_mail_written_under_its_old_name_counts_and_is_not_written_again(tmp_path: Path) -> None:
    old = tmp_path / "outbox" / "7" / f"{person(0).header_key}.eml"
    old.parent.mkdir(parents=True)
    old.write_text("an earlier version's")
    assert Outbox(Settings(home=tmp_path)).send(mailing(), people(2), "again").verdict is Verdict.ACCEPTED
    assert sorted(file.name for file in old.parent.iterdir()) == sorted([old.name, f"mail-{person(1).header_key}.eml"])


def test_no_name_of_a_mail_is_taken_for_an_option(tmp_path: Path) -> None:
    hyphen = person(0)._replace(header_key="-rf" + "a" * 19)
    Outbox(Settings(home=tmp_path)).send(mailing(), [hyphen], "attempt")
    assert [file.name[0] for file in (tmp_path / "outbox" / "7").iterdir()] == ["m"]


def test_only_its_owner_can_read_the_outbox(tmp_path: Path) -> None:
    outbox = Outbox(Settings(home=tmp_path))
    outbox.check(SENDER)
    outbox.send(mailing(), people(1), "attempt")
    for path in (tmp_path / "outbox", *(tmp_path / "outbox").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


def test_an_address_that_no_mail_can_carry_is_refused_alone(tmp_path: Path) -> None:
    some = people(3)
    some[1] = some[1]._replace(address="zoë@mail.org")
    outcome = Outbox(Settings(home=tmp_path)).send(mailing(), some, "attempt")
    assert outcome.verdict is Verdict.ACCEPTED
    assert list(outcome.refused) == [1001]
    assert len(list((tmp_path / "outbox" / "7").iterdir())) == 2


def test_mails_that_cannot_be_written_wait(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "7").write_text("a file where the folder should be")
    outcome = Outbox(Settings(home=tmp_path)).send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.RETRY


def test_mails_after_the_disk_is_full_wait_and_the_ones_before_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, written = os.link, []

    def full(source: Path, target: Path) -> None:
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(target)
        link(source, target)

    monkeypatch.setattr(os, "link", full)
    outcome = Outbox(Settings(home=tmp_path)).send(mailing(), people(5), "attempt")
    assert (outcome.verdict, outcome.waiting) == (Verdict.ACCEPTED, {1002, 1003, 1004})
    assert len(list((tmp_path / "outbox" / "7").iterdir())) == 2


def test_what_a_killed_process_left_half_written_is_deleted_after_an_hour(tmp_path: Path) -> None:
    outbox = Outbox(Settings(home=tmp_path))
    outbox.send(mailing(), people(1), "attempt")
    old, young = tmp_path / "outbox" / WRITING / "old.0a1b2c3d", tmp_path / "outbox" / WRITING / "young.0a1b2c3d"
    for path in (old, young):
        path.write_text("half a mail")
    os.utime(old, (time.time() - 3700,) * 2)
    outbox.send(mailing(), people(2), "attempt")
    assert list((tmp_path / "outbox" / WRITING).iterdir()) == [young]


def test_a_home_that_is_no_folder_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ProviderError, match="can't be created"):
        open_provider("outbox", Settings(home=tmp_path / "home")).check(SENDER)


def test_an_unknown_provider_is_told_with_the_ones_that_there_are(tmp_path: Path) -> None:
    assert list(PROVIDERS) == ["outbox", "sendgrid", "smtp"]
    with pytest.raises(InputError, match="outbox, sendgrid, smtp"):
        open_provider("pigeon", Settings(home=tmp_path))
