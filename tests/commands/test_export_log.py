"""Exports of people at the command line are in the audit log: who asked, of what, and why."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from accounts.tables import AuditLine
from daisychain.database import Database
from daisychain.system_user import acting_user
from tests.command import Daisychain
from tests.sender.returns import sent


@pytest.mark.parametrize(("call", "action", "object_"), [
    (("campaign", "ledger", "1", "--format", "csv"), "campaign ledger", "1"),
    (("campaign", "ledger", "1", "--format", "json"), "campaign ledger", "1"),
    (("list", "export", "friends"), "list export", "friends"),
])  # fmt: skip
def test_an_export_is_written_down_with_its_reason(
    database: Database, daisychain: Daisychain, call: tuple[str, ...], action: str, object_: str
) -> None:
    sent(database)
    assert "person0@" in daisychain(*call, "--because", "May audit").stdout
    daisychain(*call)
    with database.engine.connect() as connection:
        columns = AuditLine.who, AuditLine.action, AuditLine.object, AuditLine.details["because"].astext
        found = [tuple(row) for row in connection.execute(select(*columns).order_by(AuditLine.id))]
    who = f"{acting_user()} (command line)"
    assert found == [(who, action, object_, "May audit"), (who, action, object_, "no reason given")]


def test_a_look_at_the_ledger_is_no_export(database: Database, daisychain: Daisychain) -> None:
    sent(database)
    daisychain("campaign", "ledger", "1")
    with database.engine.connect() as connection:
        assert connection.execute(select(AuditLine.id)).all() == []
