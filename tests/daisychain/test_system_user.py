"""Who runs a command, as decisions record it: what the kernel knows, and never what anybody can set."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from sqlalchemy import select, update

from daisychain.database import Database
from daisychain.system_user import acting_user
from sender.tables import Campaign, Decision
from tests.command import Daisychain
from tests.sender.returns import sent

ME = pwd.getpwuid(os.getuid()).pw_name
LIES = {"USER": "liar", "LOGNAME": "liar", "SUDO_USER": "liar", "USERNAME": "liar", "LNAME": "liar"}
UNSET = str(2**32 - 1)  # what the kernel says if nobody logged in


@pytest.fixture
def login(tmp_path: Path) -> Path:
    return tmp_path / "loginuid"


def test_the_login_behind_sudo_is_what_the_kernel_keeps(login: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    login.write_text(str(daemon.pw_uid))
    assert acting_user(LIES | {"SUDO_UID": "0"}, login) == "daemon"


@pytest.mark.parametrize("kept", [UNSET, "", "x", "-7", "9" * 30, None])
def test_without_a_login_it_is_the_process_s_own_user(login: Path, kept: str | None) -> None:
    if kept is not None:
        login.write_text(kept)
    assert acting_user(LIES, login) == ME


@pytest.mark.parametrize(("uid", "shown"), [(0, "daemon"), (1234567, "user 1234567")])
def test_sudo_s_word_counts_for_root_only(login: Path, monkeypatch: pytest.MonkeyPatch, uid: int, shown: str) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid)
    assert acting_user({"SUDO_UID": str(pwd.getpwnam("daemon").pw_uid)}, login) == shown


@pytest.mark.parametrize("said", ["", "x", "-1", "99999999999999999999", "4000000000"])
def test_sudo_s_word_may_be_nonsense(login: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert acting_user({"SUDO_UID": said}, login) == "root"


def test_a_decision_records_the_real_user(
    daisychain: Daisychain, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LIES.items():
        monkeypatch.setenv(name, value)
    campaign = sent(database)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="sending"))
    daisychain("campaign", "pause", str(campaign.campaign_id), "--because", "a mistake")
    with database.engine.connect() as connection:
        assert connection.scalars(select(Decision.who)).all() == [acting_user()]
    assert acting_user() != "liar"
