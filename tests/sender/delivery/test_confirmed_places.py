"""A database that was restored or moved sends nothing until a person confirms it there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from daisychain.database import Database
from daisychain.errors import StateError
from sender.campaigns import steering
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.plans import Plan
from sender.delivery import confirmed_places
from sender.delivery.deliver import Deliverer
from sender.delivery.senders import LiveSender
from sender.tables import Campaign, Place
from sender.upkeep import foreground
from sender.upkeep.sweep import sweep
from tests.command import Daisychain
from tests.sender.delivery.test_ledger import batches, ledger, state_of
from tests.sender.staging import set_plan, staged

# What a restore does: the tables are made anew, with all that was in them.
RESTORE = """
    CREATE TABLE restored (LIKE confirmed_places INCLUDING ALL);
    INSERT INTO restored SELECT * FROM confirmed_places;
    DROP TABLE confirmed_places;
    ALTER TABLE restored RENAME TO confirmed_places
"""


def restore(database: Database) -> None:
    with database.engine.begin() as connection:
        assert confirmed_places.is_confirmed(connection, database.settings)
        for statement in RESTORE.split(";"):
            connection.execute(text(statement))


def test_the_first_place_confirms_itself_and_stays_confirmed(database: Database) -> None:
    with database.engine.begin() as connection:
        assert confirmed_places.is_confirmed(connection, database.settings)
        assert confirmed_places.is_confirmed(connection, database.settings)
        assert connection.scalars(select(Place.confirmed_by)).all() == ["the first to send"]


@pytest.mark.parametrize("change", ["restored", "another home", "another address"])
def test_another_place_is_not_confirmed(database: Database, change: str) -> None:
    settings = database.settings
    if change == "another home":
        settings = replace(settings, database_url="")
    if change == "another address":
        settings = replace(settings, database_url="postgresql://daisychain@db.example/daisychain")
    with database.engine.begin() as connection:
        assert confirmed_places.is_confirmed(connection, database.settings)
    if change == "restored":
        restore(database)
    with database.engine.begin() as connection:
        assert not confirmed_places.is_confirmed(connection, settings)


def test_a_restored_database_sends_nothing_whatever_is_tried(database: Database) -> None:
    draft = staged(database, 3)
    restore(database)
    with pytest.raises(StateError, match="restored or moved here"):
        foreground.start(database, draft)
    assert state_of(database, draft) == "draft"


def test_what_was_under_way_at_the_backup_is_not_claimed_and_pauses_when_the_place_is_confirmed(
    database: Database,
) -> None:
    campaign_id = staged(database, 3)
    foreground.start(database, campaign_id)
    restore(database)
    with database.engine.begin() as connection:
        sweep(connection, database.settings)
    with LiveSender(database) as sender:
        Deliverer(database, sender).deliver(batches(database, campaign_id)[0])
    assert (ledger(database, campaign_id).waiting, ledger(database, campaign_id).in_flight) == (3, 0)
    with database.engine.begin() as connection:
        assert confirmed_places.confirm(connection, database.settings, who="ann") == [campaign_id]
        assert confirmed_places.confirm(connection, database.settings, who="ann") == []
        assert "may have been mailed since" in connection.scalars(select(Campaign.pause_reason)).one()
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert foreground.work_until_over(database, campaign_id) == "finished"


def test_to_schedule_a_campaign_confirms_the_place_so_that_a_restored_copy_does_not_send_it_too(
    database: Database,
) -> None:
    first, second = staged(database, 3), staged(database, 3, name="others")
    tomorrow = Plan(at=f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d %H:%M} UTC")
    with database.engine.begin() as connection:
        assert set_plan(connection, database.settings, find_campaign(connection, first), tomorrow, who="ann")
        assert connection.scalars(select(Place.confirmed_by)).all() == ["the first to send"]
    restore(database)
    with database.engine.begin() as connection, pytest.raises(StateError, match="restored or moved here"):
        set_plan(connection, database.settings, find_campaign(connection, second), tomorrow, who="ann")
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == first).values(starts_at=func.now()))
        sweep(connection, database.settings)
    assert (state_of(database, first), state_of(database, second)) == ("scheduled", "draft")


def test_a_place_is_confirmed_from_the_command_line(database: Database, daisychain: Daisychain) -> None:
    campaign_id = str(staged(database, 3))
    restore(database)
    send = ("campaign", "send", campaign_id, "--yes", "--as-created")
    assert "daisychain confirm-here" in daisychain(*send, code=1).stderr
    assert daisychain.json("campaign", "status", campaign_id, "--format", "json")["may_send_from_here"] is False
    daisychain("confirm-here", "--yes")
    assert "already" in daisychain("confirm-here").stderr
    daisychain(*send)
    assert ledger(database, int(campaign_id)).accepted == 3
