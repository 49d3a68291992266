"""The sums that figures read equal a recount: after kills, in any order of reports and outcomes, and by the chore."""

from __future__ import annotations

import os
import random
import time

import orjson
import pytest
from sqlalchemy import select, text

from daisychain.database import Database
from daisychain.settings import Settings
from reports.whole_report import figures
from sender.delivery.ledger import Span, move
from sender.events.recount import recount_rollups
from sender.events.sum_check import check_sums, ledger_differs
from sender.events.webhook_jobs import process_body, store_body
from sender.tables import EarlyPerson, Flagged, WebhookBody
from tests.seeds import seeds
from tests.sender.mortal import employed
from tests.sender.returns import Sent, sent
from tests.waiting import until

BODIES, PEOPLE = 60, 20


def differing(campaign: Sent) -> dict[str, int]:
    """Compare every sum with the events and the rows of the ledger."""
    with campaign.database.engine.connect() as connection:
        assert not ledger_differs(connection, campaign.campaign_id)
        return {table: rows for table, rows in recount_rollups(connection, [campaign.campaign_id]).items() if rows}


def told(campaign: Sent, chance: random.Random) -> bytes:
    """Make a body of events about anybody, some of which were told before."""
    kinds = ("processed", "delivered", "open", "click", "bounce", "spamreport", "dropped")
    return orjson.dumps(
        [
            campaign.event(chance.choice(kinds), chance.randrange(PEOPLE), at=chance.randrange(60))
            | {"sg_event_id": os.urandom(8).hex()}
            for _ in range(40)
        ]
    )


@pytest.mark.parametrize("outcome", ["accepted", "uncertain"])
@pytest.mark.parametrize("seed", seeds((1,), (2, 3)))
def test_workers_killed_while_they_take_events_in_leave_sums_that_equal_a_recount(
    seed: int, outcome: str, database: Database, through_sendgrid: Settings
) -> None:
    chance = random.Random(seed)
    campaign = sent(database, PEOPLE, outcome=outcome)
    with database.engine.begin() as connection:
        for _ in range(BODIES):
            store_body(connection, told(campaign, chance))

    def waiting() -> int:
        with database.engine.connect() as connection:
            return len(connection.scalars(select(WebhookBody.id).where(WebhookBody.processed_at.is_(None))).all())

    for _ in range(3):
        worker, left = employed(through_sendgrid), waiting()
        until(lambda: waiting() < left or not left)  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))  # anywhere in the bodies that follow
        worker.kill()
        worker.join()
        assert differing(campaign) == {}
    assert check_sums(database) == ""


@pytest.mark.parametrize("early", [True, False])
def test_a_report_that_crosses_the_outcome_of_its_mail_counts_once_it_is_accepted(
    database: Database, early: bool
) -> None:
    campaign = sent(database, outcome="")
    span = Span(campaign.campaign_id, campaign.deliveries[0], campaign.deliveries[-1])
    with database.engine.connect() as outcome, outcome.begin():
        if early:
            move(outcome, span, "waiting", "accepted")
        with database.engine.begin() as connection:
            body = orjson.dumps([campaign.event("delivered"), campaign.event("unsubscribe", at=1)])
            body_id = store_body(connection, body)
            process_body(connection, body_id, campaign.keys)
        if not early:
            move(outcome, span, "waiting", "accepted")
    assert differing(campaign) == {}
    with database.engine.connect() as connection:
        report = figures(connection, campaign.campaign_id)
        assert connection.scalars(select(EarlyPerson.delivery_id)).all() == campaign.deliveries[:1]
    assert (report["delivered"].numerator, report["unsubscribed"].numerator) == (1, 1)
    assert check_sums(database) == ""
    with database.engine.connect() as connection:
        assert connection.scalars(select(EarlyPerson.delivery_id)).all() == []
        assert figures(connection, campaign.campaign_id)["delivered"].numerator == 1


@pytest.mark.parametrize("changed", ["UPDATE facts_rollups SET people = 9", "DELETE FROM facts_rollups"])
def test_people_by_facts_that_differ_from_the_roll_ups_are_flagged_and_corrected(
    database: Database, changed: str
) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps([campaign.event("delivered"), campaign.event("delivered", 1)]))
        process_body(connection, body_id, campaign.keys)
    assert check_sums(database) == ""
    with database.engine.begin() as connection:
        connection.execute(text(changed))
    assert str(campaign.campaign_id) in check_sums(database)
    assert differing(campaign) == {}
    with database.engine.connect() as connection:
        assert connection.scalars(select(Flagged.reason)).all() == ["corrected"]
    assert check_sums(database) == ""
