"""A chore that fails, however it fails, is recorded, retried, and reported after three times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from daisychain.database import Database
from sender.alerts.conditions import active_conditions
from sender.events.webhook_bodies import drop_old_bodies
from sender.tables import Chore, WebhookBody
from sender.upkeep import chores
from tests.command import Daisychain


def conditions(database: Database) -> dict[str, str]:
    with database.engine.connect() as connection:
        return {each.key: each.message for each in active_conditions(connection, database.settings, datetime.now(UTC))}


def test_a_chore_that_fails_three_times_raises_an_alert_and_shows_in_doctor(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(database: Database) -> str:
        raise ZeroDivisionError("ann@people.example")

    with database.engine.begin() as connection:
        chores.defer_due_chores(connection, database.settings)
    monkeypatch.setitem(chores.CHORES, "soft bounces", (timedelta(days=1), fail))
    for _ in range(3):
        assert "chore soft bounces" not in conditions(database)
        assert chores.run_chore(database, "soft bounces").startswith(
            "failed: ZeroDivisionError in upkeep/test_chores.py"
        )
    with database.engine.connect() as connection:
        due_at = connection.scalars(select(Chore.due_at).where(Chore.name == "soft bounces")).one()
    assert due_at < datetime.now(UTC) + timedelta(hours=2)
    message = conditions(database)["chore soft bounces"]
    assert "failed 3 times in a row: ZeroDivisionError" in message
    assert "ann@" not in message
    findings = Daisychain(database.settings, tmp_path).json("doctor", "--format", "json", code=1)
    assert [each["state"] for each in findings if each["subject"] == "chore soft bounces"] == ["wrong"]
    monkeypatch.undo()
    chores.run_chore(database, "soft bounces")
    assert "chore soft bounces" not in conditions(database)


@pytest.mark.parametrize("processed", [True, False])
def test_bodies_end_after_180_days_and_an_alert_says_so_before(database: Database, processed: bool) -> None:
    def add(days: int) -> None:
        now = datetime.now(UTC)
        row = {"provider": "sendgrid", "body": b"broken", "digest": bytes([days]), "received_at": now - timedelta(days)}
        with database.engine.begin() as connection:
            connection.execute(insert(WebhookBody).values(**row, processed_at=now if processed else None))

    add(149)
    assert "ending bodies" not in conditions(database)
    add(151)
    assert "after 180 days" in conditions(database)["ending bodies"]
    add(181)
    if not processed:
        assert drop_old_bodies(database).startswith("1 deleted")
    else:
        assert drop_old_bodies(database) == "3 deleted"  # processed bodies go after 90 days
