"""PostgreSQL plans a statement anew as its tables grow: what is quick at 200,000 people may scan at 1,000,000."""

from __future__ import annotations

import pytest

from benchmarks.sink import accepting
from benchmarks.stage import add_people, draft, house, server_seconds
from sender.delivery.ledger import read_ledger
from sender.upkeep import foreground

pytestmark = pytest.mark.slow


def server_seconds_of_a_send(people: int) -> float:
    """Send the benchmark's letter to so many people; return PostgreSQL's CPU after the freeze."""
    with (
        accepting() as host,
        house("plans", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        campaign_id = draft(database, "everybody", "sendgrid")
        foreground.start(database, campaign_id)
        before = server_seconds(database)
        assert foreground.work_until_over(database, campaign_id) == "finished"
        used = server_seconds(database) - before
        with database.engine.connect() as connection:
            assert read_ledger(connection, campaign_id).accepted == people
    return used


def test_a_send_to_a_million_costs_the_database_no_more_a_person_than_one_to_200_000() -> None:
    # A range of ids that was joined instead of passed as parameters made it five times as much, and only at 1,000,000.
    few, many = (server_seconds_of_a_send(people) * 1_000_000 / people for people in (200_000, 1_000_000))
    assert many < 2 * few, f"{many:.1f} s of the database's CPU a million, {few:.1f} s with 200,000 people"
