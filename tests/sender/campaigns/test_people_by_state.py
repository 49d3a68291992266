"""The people of a campaign by state: a page skips batches that were accepted whole, and misses nobody."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import event, select

from daisychain.database import Database
from lists.members import unsubscribe
from sender.campaigns import people_by_state, steering
from sender.providers.provider import Outcome, Verdict
from sender.tables import Delivery, State
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded

ACCEPTED = Outcome(Verdict.ACCEPTED, status=202)


@pytest.fixture
def all_fates(database: Database) -> int:
    """Sixteen people in batches of two: accepted, refused, refused and retried, uncertain, gone late, excluded."""
    campaign_id = frozen(database, 16, batch_size=2)
    numbers = iter(batches(database, campaign_id))
    recorded(database, claimed(database, next(numbers)), ACCEPTED)
    retried = next(numbers)
    recorded(database, claimed(database, retried), Outcome(Verdict.ACCEPTED, status=202, refused={3: "full"}))
    with database.engine.begin() as connection:
        steering.retry(connection, campaign_id, who="ann", because="their server is back")
    recorded(database, claimed(database, retried), ACCEPTED)
    recorded(database, claimed(database, next(numbers)), Outcome(Verdict.ACCEPTED, status=202, refused={5: "full"}))
    recorded(database, claimed(database, next(numbers)), Outcome(Verdict.UNCERTAIN, detail="lost"))
    recorded(database, claimed(database, next(numbers)), ACCEPTED)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 11, "one-click")
    recorded(database, claimed(database, next(numbers)), ACCEPTED)
    return campaign_id


@pytest.mark.parametrize("state", [*get_args(State), None])
@pytest.mark.parametrize("at_most", [1, 2, 50])
def test_pages_of_a_state_have_everybody_once_in_order(
    database: Database, all_fates: int, state: State | None, at_most: int
) -> None:
    with database.engine.connect() as connection:
        right = select(Delivery.address).where(Delivery.campaign_id == all_fates).order_by(Delivery.id)
        expected = connection.scalars(right if state is None else right.where(Delivery.state == state)).all()
        seen, after = [], 0
        while after is not None:
            rows, after = people_by_state.people_page(connection, all_fates, state, after=after, at_most=at_most)
            seen += [row.address for row in rows]
        assert seen == expected
        assert [row.address for row in people_by_state.people(connection, all_fates, state)] == expected
    assert expected


def test_a_page_reads_only_the_attempts_of_its_people(database: Database, all_fates: int) -> None:
    read = []
    with database.engine.connect() as connection:
        event.listen(connection, "after_cursor_execute", lambda *found: read.append((found[2], found[1].rowcount)))
        people_by_state.people_page(connection, all_fates, "failed", at_most=50)
    assert [rows for statement, rows in read if "FROM attempts" in statement and "LATERAL" not in statement] == [1]
