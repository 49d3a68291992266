"""Uncertain requests, looked up in SendGrid's own log: what is found proves, what is not proves nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from sender.campaigns.evidence import read_evidence
from sender.events.provider_log import NOTHING, look_up
from sender.providers.sendgrid_account import Account
from sender.tables import Attempt, Delivery, WebhookBody
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.sendgrid_mail import Mail
from tests.sender.returns import Sent, resent, sent


@pytest.fixture
def fake(database: Database) -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        database.settings = replace(database.settings, sendgrid_api_key=fake.key, sendgrid_api_host=fake.url)
        yield fake


def taken(fake: FakeSendGrid, campaign: Sent, number: int = 0, *, attempt: int = 0, later: float = 0) -> None:
    """Let SendGrid accept a mail of the campaign, or of another attempt, `later` seconds from now."""
    key = campaign.keys.attempt(attempt or campaign.attempt_id)
    body = {"from": {"email": "hello@coalition.example"}, "subject": "News", "custom_args": {"daisychain_attempt": key}}
    person = {"to": [{"email": campaign.address(number)}], "custom_args": {"daisychain_delivery": campaign.key(number)}}
    fake.mails.append(Mail(len(fake.mails), body, person, f"message{len(fake.mails)}", fake.url, time.time() + later))


def attempt(campaign: Sent) -> Attempt:
    found: Attempt = campaign.one(select(Attempt.__table__).where(Attempt.id == campaign.attempt_id))
    return found


def test_one_mail_found_with_the_attempts_key_settles_the_whole_request(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database, outcome="uncertain")
    taken(fake, campaign)
    assert look_up(database, campaign.campaign_id) == 3
    assert campaign.states() == ["accepted"] * 3
    found = attempt(campaign)
    assert (found.outcome, found.settled_by) == ("accepted", "log")
    assert found.settled_because == found.look_up == f"the log has {fake.mails[0].sg_message_id}, processed"
    assert "@" not in found.settled_because


def test_any_of_the_first_people_will_do(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database, outcome="uncertain")
    taken(fake, campaign, 2)
    assert look_up(database, campaign.campaign_id) == 3


def test_a_look_up_that_fails_stops_no_other(
    database: Database, fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        second = resent(database, connection, first.list_id, first.members, outcome="uncertain")
    taken(fake, second)
    right = Account.look_up

    def broken(self: Account, key: str, *rest: Any) -> str:
        return right(self, key, *rest) if key != first.keys.attempt(first.attempt_id) else str(int(first.address()))

    monkeypatch.setattr(Account, "look_up", broken)
    with database.engine.begin() as connection:
        connection.execute(update(Attempt).values(started_at=func.now() - timedelta(minutes=6)))
    assert look_up(database) == 3
    assert attempt(first).look_up.startswith("could not be looked up: ValueError in events/test_provider_log.py")
    assert attempt(second).outcome == "accepted"


@pytest.mark.parametrize("case", ["nothing", "another attempt", "before", "long after"])
def test_what_is_not_found_settles_nothing(database: Database, fake: FakeSendGrid, case: str) -> None:
    campaign = sent(database, outcome="uncertain")
    if case == "another attempt":
        taken(fake, campaign, attempt=campaign.attempt_id + 1)
    elif case != "nothing":
        taken(fake, campaign, later=-3_600 if case == "before" else 7_200)
    assert look_up(database, campaign.campaign_id) == 0
    assert campaign.states() == ["uncertain"] * 3
    found = attempt(campaign)
    assert (found.outcome, found.look_up) == ("uncertain", NOTHING)
    assert found.looked_up_at is not None


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_log_that_does_not_answer_settles_nothing_and_that_is_kept(
    database: Database, fake: FakeSendGrid, status: int
) -> None:
    campaign = sent(database, outcome="uncertain")
    taken(fake, campaign)
    fake.refusing["/v3/logs"] = status
    assert look_up(database, campaign.campaign_id) == 0
    assert attempt(campaign).look_up.startswith(f"could not be looked up: SendGrid answered {status}")


def test_an_address_that_can_not_be_quoted_is_passed_over(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        first = update(Delivery).where(Delivery.id == campaign.deliveries[0])
        connection.execute(first.values(address="o'brien@people.example"))
    taken(fake, campaign, 1)
    assert look_up(database, campaign.campaign_id) == 3


def test_a_provider_without_a_log_is_left_alone(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database, provider="outbox", outcome="uncertain")
    assert look_up(database, campaign.campaign_id) == 0
    assert fake.asked == []


@pytest.mark.parametrize(
    ("age", "looked", "asks"),
    [(1, None, False), (6, None, True), (9, 3, False), (12, 7, True), (60 * 24 * 31, None, False)],
)
def test_by_itself_it_asks_after_five_minutes_and_then_less_and_less(
    database: Database, fake: FakeSendGrid, age: int, looked: int | None, asks: bool
) -> None:
    """`age` and `looked` are minutes ago."""
    sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        started = func.now() - timedelta(minutes=age)
        seen = None if looked is None else func.now() - timedelta(minutes=looked)
        connection.execute(update(Attempt).values(started_at=started, looked_up_at=seen))
    look_up(database)
    look_up(database)
    assert fake.asked == ["/v3/logs"] * (3 if asks else 0)


def test_other_campaigns_are_left_alone_when_one_is_asked_for(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        other = resent(database, connection, campaign.list_id, campaign.members, outcome="uncertain")
    taken(fake, campaign)
    taken(fake, other)
    assert look_up(database, other.campaign_id) == 3
    assert campaign.states() == ["uncertain"] * 3 + ["accepted"] * 3


@pytest.mark.parametrize(
    ("keys", "heard", "state"),
    [((), None, "no key"), (("k",), None, "never heard"), (("k",), 20, "silent"), (("k",), 2, "alive")],
)
def test_the_evidence_says_how_long_and_whether_the_webhook_is_alive(
    database: Database, keys: tuple[str, ...], heard: int | None, state: str
) -> None:
    """`heard` is minutes ago; the request was sent ten minutes ago."""
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        connection.execute(update(Attempt).values(started_at=func.now() - timedelta(minutes=10)))
        if heard is not None:
            at = func.now() - timedelta(minutes=heard)
            connection.execute(
                WebhookBody.__table__.insert().values(provider="sendgrid", body=b"[]", digest=b"d", received_at=at)
            )
        found = read_evidence(connection, replace(database.settings, sendgrid_webhook_keys=keys), campaign.campaign_id)
    assert (found.people, found.requests, found.minutes, found.webhook) == (3, 1, 10, state)
    assert "3 people of 1 requests are uncertain" in found.lines()[0]


def test_where_nobody_is_uncertain_the_evidence_says_so(database: Database) -> None:
    campaign = sent(database)
    with database.engine.connect() as connection:
        assert read_evidence(connection, database.settings, campaign.campaign_id).lines() == ["Nobody is uncertain."]
