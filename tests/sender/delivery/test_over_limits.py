"""People whose merge values are over SendGrid's limits go out in requests of their own, whoever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.settings import Settings
from lists.tables import Member
from sender.delivery.deliver import Deliverer
from sender.delivery.ledger import Ledger, read_ledger
from sender.delivery.senders import LiveSender
from sender.tables import Attempt, Batch
from sender.upkeep import foreground
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.mortal import born
from tests.sender.staging import staged
from tests.waiting import until

PEOPLE = 40
LONG = ("person0@people.example", "person17@people.example", "person18@people.example")


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        yield fake


@pytest.fixture
def settings(settings: Settings, fake: FakeSendGrid) -> Settings:
    return replace(settings, sendgrid_api_key=fake.key, sendgrid_api_host=fake.url)


@pytest.fixture
def campaign_id(database: Database) -> int:
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    with database.engine.begin() as connection:
        connection.execute(update(Member).where(Member.email.in_(LONG)).values(first_name="é" * 6_000))
    return campaign_id


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        found = read_ledger(connection, campaign_id)
    assert found.balances
    return found


def rendered(fake: FakeSendGrid) -> list[str]:
    """Return the people who got their own request, with the rendered mail in it."""
    bodies = [request.body["personalizations"] for request in fake.requests if request.taken]
    return sorted(people[0]["to"][0]["email"] for people in bodies if "substitutions" not in people[0])


def test_they_are_mailed_alone_and_everybody_else_together(
    database: Database, campaign_id: int, fake: FakeSendGrid
) -> None:
    foreground.start(database, campaign_id)
    assert foreground.work_until_over(database, campaign_id) == "finished"
    assert ledger(database, campaign_id).accepted == PEOPLE
    assert set(fake.copies.values()) == {1}
    assert rendered(fake) == sorted(LONG)
    assert [request.status for request in fake.requests] == [202] * 5  # before, between, and three alone
    assert "é" * 6_000 in fake.mail(LONG[0]).html
    with database.engine.connect() as connection:
        outcomes = connection.execute(select(Attempt.outcome, func.count()).group_by(Attempt.outcome)).all()
    assert dict(outcomes) == {"apart": 1, "accepted": 5}


def test_one_whom_sendgrid_refuses_all_the_same_fails_with_its_words(
    database: Database, campaign_id: int, fake: FakeSendGrid
) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Member).where(Member.email == LONG[0]).values(email="nowhere"))
    foreground.start(database, campaign_id)
    foreground.work_until_over(database, campaign_id)
    found = ledger(database, campaign_id)
    assert (found.accepted, found.failed_by) == (PEOPLE - 1, {"Does not contain a valid address.": 1})


def test_whoever_dies_once_they_are_set_apart_leaves_them_to_the_next(
    database: Database, campaign_id: int, fake: FakeSendGrid
) -> None:
    foreground.start(database, campaign_id)
    with LiveSender(database) as sender, database.engine.connect() as connection:
        Deliverer(database, sender).deliver(connection.scalars(select(Batch.id)).one())
    assert not fake.requests
    foreground.work_until_over(database, campaign_id)
    assert ledger(database, campaign_id).accepted == PEOPLE
    assert set(fake.copies.values()) == {1}


def test_killed_while_their_requests_are_in_flight_nobody_is_lost_or_mailed_twice(
    database: Database, campaign_id: int, fake: FakeSendGrid, settings: Settings
) -> None:
    fake.script(*[Fault("hold", taken=True), Fault("hold")] * 2)
    process = born(settings, campaign_id)
    until(lambda: len(fake.requests) == 4)
    process.kill()
    process.join()
    assert foreground.work_until_over(database, campaign_id) == "finished"
    found = ledger(database, campaign_id)
    in_doubt = sum(len(request.body["personalizations"]) for request in fake.requests[:4])
    assert (found.uncertain, found.accepted) == (in_doubt, PEOPLE - in_doubt)
    assert set(fake.copies.values()) == {1}
