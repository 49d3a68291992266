"""The SQL of docs/scaling.md that cuts the largest tables into parts: on a filled database all goes on as before."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text

from daisychain.database import Database
from reports.whole_report import figures
from sender.campaigns.freeze import freeze
from sender.delivery import attempts
from sender.delivery.ledger import read_ledger
from sender.events.recount import recount_rollups
from sender.providers.provider import Outcome, Verdict
from sender.tables import Batch
from tests.sender.events.test_replay import a_life, take
from tests.sender.returns import Sent, sent
from tests.sender.staging import add_list, add_people, claim_batch, draft

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"
CUT, AHEAD, TAKE_OUT = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
PART = 10_000_000


@pytest.fixture
def campaign(database: Database) -> Sent:
    """Make a campaign with every kind of event, in a database that is partitioned afterwards."""
    campaign = sent(database, people=3)
    take(campaign, a_life(campaign))
    run(database, CUT)
    return campaign


def run(database: Database, sql: str) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(sql)


def counted(database: Database, sql: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(text(sql)) or 0)


def mailed(database: Database, name: str, people: range) -> int:
    """Make another campaign, frozen and delivered."""
    with database.engine.begin() as connection:
        list_id = add_list(connection, name)
        add_people(connection, list_id, people)
        campaign_id = draft(connection, list_id, provider="sendgrid")
        freeze(connection, campaign_id, batch_size=4)
        for batch_id in connection.scalars(select(Batch.id).where(Batch.campaign_id == campaign_id)).all():
            claim = claim_batch(connection, batch_id, 1)
            assert claim
            attempts.record(connection, claim.attempt_id, Outcome(Verdict.ACCEPTED))
    return campaign_id


def test_what_was_there_is_there_and_what_is_told_again_counts_once(campaign: Sent, database: Database) -> None:
    events, rollups = len(campaign.events()), campaign.rollups()
    take(campaign, [*a_life(campaign), campaign.event("delivered", 2, at=90)])
    assert len(campaign.events()) == events + 1
    assert [row.delivered_at is not None for row in campaign.rollups()] == [True, True, True]
    assert campaign.rollups()[:2] == rollups[:2]
    with database.engine.begin() as connection:
        report = figures(connection, campaign.campaign_id)
        assert (report["delivered"].numerator, report["delivered"].denominator) == (3, 3)
        assert not any(recount_rollups(connection, [campaign.campaign_id]).values())
    assert campaign.rollups()[:2] == rollups[:2]


def test_campaigns_are_frozen_and_sent_into_the_part_made_ahead_and_the_old_one_is_taken_out(
    campaign: Sent, database: Database
) -> None:
    run(database, AHEAD)
    run(database, f"SELECT setval(pg_get_serial_sequence('deliveries', 'id'), {PART - 3})")
    across = mailed(database, "across", range(100, 110))
    later = mailed(database, "later", range(200, 210))
    with database.engine.connect() as connection:
        assert [read_ledger(connection, each).accepted for each in (across, later)] == [10, 10]
        assert [read_ledger(connection, each).balances for each in (across, later)] == [True, True]
    # One who was in the campaign across the border is in the old part: so that campaign stays, and what is gone shows.
    assert counted(database, "SELECT count(*) FROM deliveries_1") == 18
    assert counted(database, "SELECT count(*) FROM deliveries_rest") == 0
    run(database, TAKE_OUT)
    assert counted(database, "SELECT count(*) FROM deliveries") == 18
    assert counted(database, "SELECT count(*) FROM campaigns") == 2
    assert counted(database, "SELECT count(*) FROM events") == 1  # what is about no mail of ours
    with database.engine.connect() as connection:
        assert read_ledger(connection, later).balances


def test_what_nobody_made_room_for_is_kept_all_the_same(campaign: Sent, database: Database) -> None:
    run(database, f"SELECT setval(pg_get_serial_sequence('deliveries', 'id'), {3 * PART})")
    campaign_id = mailed(database, "early", range(100, 110))
    assert counted(database, "SELECT count(*) FROM deliveries_rest") == 10
    with database.engine.connect() as connection:
        assert read_ledger(connection, campaign_id).accepted == 10
