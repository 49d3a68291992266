"""Campaigns through relays that fail, are slow, or refuse us: what a kill leaves in doubt, and what has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from daisychain.database import Database
from daisychain.settings import Settings
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.freeze import freeze
from sender.delivery.ledger import Ledger, read_ledger
from sender.delivery.outcomes import ALIKE
from sender.providers.smtp import FIRST_BATCH, MOST_BREAKS
from sender.tables import Attempt, Delivery
from sender.upkeep import foreground
from tests.fakes.smtp import CUT, FakeRelay, Moment
from tests.sender.mortal import born
from tests.sender.staging import staged
from tests.waiting import until

SLOTS = foreground.CONCURRENCY


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay(pipelining=True) as relay:
        yield relay


@pytest.fixture
def through_relay(settings: Settings, relay: FakeRelay) -> Settings:
    return replace(settings, smtp_url=relay.url, public_url="https://news.coalition.org")


def proven(database: Database, campaign_id: int, relay: FakeRelay) -> Ledger:
    """Return the ledger, after comparing each of its rows with the mails that the relay took."""
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
        rows = connection.execute(select(Delivery.address, Delivery.state)).all()
    copies = relay.copies
    assert ledger.balances
    assert [address for address, count in copies.items() if count > 1] == []
    for row in rows:
        if row.state != "uncertain" and not ledger.in_flight:
            assert copies[row.address] == (row.state == "accepted"), row
    return ledger


def sent(settings: Settings, campaign_id: int) -> str:
    """Send a campaign in this process; returns its state."""
    database = Database(settings)
    try:
        foreground.start(database, campaign_id)
        return foreground.work_until_over(database, campaign_id, processes=1)
    finally:
        database.close()


@pytest.mark.parametrize("delay", [0.05, 0.2])
def test_a_kill_leaves_about_a_seconds_mails_uncertain_on_each_connection(
    database: Database, through_relay: Settings, relay: FakeRelay, delay: float
) -> None:
    relay.delay = delay
    campaign_id = staged(database, 600, provider="smtp")
    seen = 0
    for _ in range(2):
        process = born(through_relay, campaign_id)
        # Past the first batches, and while each connection has a mail in doubt.
        until(lambda: len(relay.raw) >= seen + SLOTS * FIRST_BATCH * 2 and relay.answering == SLOTS)  # noqa: B023
        process.kill()
        process.join()
        relay.hang_up()
        seen = len(relay.raw)
    relay.delay = 0
    assert sent(through_relay, campaign_id) == "finished"
    ledger = proven(database, campaign_id, relay)
    assert ledger.accepted + ledger.uncertain == 600
    assert 0 < ledger.uncertain <= 2 * SLOTS * max(FIRST_BATCH, 1 / delay)


def test_a_fast_relay_gets_whole_batches_once_its_rate_is_known(
    database: Database, through_relay: Settings, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sender.providers.smtp.IN_DOUBT", 1e6)  # so that this machine is fast, however busy it is
    campaign_id = staged(database, 600, provider="smtp")
    assert sent(through_relay, campaign_id) == "finished"
    assert proven(database, campaign_id, relay).accepted == 600
    with database.engine.connect() as connection:
        people = connection.scalars(select(Attempt.people).order_by(Attempt.people)).all()
    assert people[0] == FIRST_BATCH
    assert people[-1] > 100
    assert sum(people) == 600


def test_a_relay_that_fails_at_2_percent_of_all_stages_makes_no_batch_wait(
    database: Database, through_relay: Settings, relay: FakeRelay
) -> None:
    relay.failing = 0.02
    campaign_id = staged(database, 600, provider="smtp")
    assert sent(through_relay, campaign_id) == "finished"
    ledger = proven(database, campaign_id, relay)
    assert ledger.accepted + ledger.uncertain == 600
    assert ledger.uncertain < 40  # those whose reply was lost, 2 %
    with database.engine.connect() as connection:
        # A batch that waits, which takes half a minute, is tried twice.
        twice = select(Attempt.batch_id).group_by(Attempt.batch_id).having(func.count() > 1)
        assert connection.scalars(twice).all() == []


DENIALS = (
    "554 5.7.1 Relay access denied",
    "550 relay not permitted",
    "550 5.7.1 Unable to relay for {address}",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    "550-5.7.1 Client host rejected:\r\n550 5.7.1 Access denied",  # in two lines
    "550 5.7.1 Your IP is listed at a blocklist",
)


@pytest.mark.parametrize("denial", DENIALS)
def test_a_relay_that_refuses_everybody_alike_pauses_a_small_campaign_and_nobody_fails(
    database: Database, through_relay: Settings, relay: FakeRelay, denial: str
) -> None:
    campaign_id = staged(database, 6, provider="smtp")
    for number in range(6):
        address = f"person{number}@people.example"
        relay.script["RCPT", address] = denial.format(address=address)
    assert sent(through_relay, campaign_id) == "paused"
    ledger = proven(database, campaign_id, relay)
    # Three people in the same words, if the words don't say that it is about us.
    assert ledger.failed == 0 if denial != DENIALS[-1] else ledger.failed < ALIKE
    assert ledger.waiting + ledger.failed == 6
    with database.engine.connect() as connection:
        assert denial[:3] in find_campaign(connection, campaign_id).pause_reason
    relay.script.clear()
    assert sent(through_relay, campaign_id) == "finished"
    assert proven(database, campaign_id, relay).accepted == 6 - ledger.failed


@pytest.mark.parametrize(
    ("replies", "failed"),
    [
        ({2: "554 5.7.1 Relay access denied"}, 1),  # one person's domain, among others who are accepted
        ({0: "550 5.1.1 User unknown", 1: "550 5.1.1 User unknown", 2: "550 5.1.1 User unknown"}, 3),
        ({0: "550 5.7.1 content rejected", 1: "550 5.7.1 content rejected"}, 2),
    ],
)
def test_people_who_are_refused_for_themselves_fail_and_the_others_are_mailed(
    database: Database, through_relay: Settings, relay: FakeRelay, replies: dict[int, str], failed: int
) -> None:
    campaign_id = staged(database, 5, provider="smtp")
    for number, reply in replies.items():
        relay.script["RCPT", f"person{number}@people.example"] = reply
    assert sent(through_relay, campaign_id) == "finished"
    ledger = proven(database, campaign_id, relay)
    assert (ledger.failed, ledger.accepted) == (failed, 5 - failed)


def test_a_campaign_that_a_person_resumed_fails_those_who_are_denied_again(
    database: Database, through_relay: Settings, relay: FakeRelay
) -> None:
    campaign_id = staged(database, 3, provider="smtp")
    for number in range(3):
        relay.script["RCPT", f"person{number}@people.example"] = DENIALS[0]
    assert sent(through_relay, campaign_id) == "paused"
    assert sent(through_relay, campaign_id) == "finished"
    assert proven(database, campaign_id, relay).failed == 3


def test_one_person_whose_mail_breaks_each_connection_holds_nobody_up(
    database: Database, through_relay: Settings, relay: FakeRelay
) -> None:
    relay.script["RCPT", "person1@people.example"] = CUT
    campaign_id = staged(database, 5, provider="smtp")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=5)
    process = born(through_relay, campaign_id)
    until(lambda: len(relay.raw) == 4)
    process.kill()
    process.join()
    assert sorted(relay.copies) == [f"person{number}@people.example" for number in (0, 2, 3, 4)]


@pytest.mark.parametrize("moment", ["RCPT", "DATA"])
@pytest.mark.parametrize(("people", "breaking"), [(5, (1, 3)), (1, (0,))])
def test_people_whose_mail_always_breaks_the_connection_fail_after_as_many_tries_as_for_a_4xx(
    database: Database, through_relay: Settings, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch,
    moment: Moment, people: int, breaking: tuple[int, ...],
) -> None:  # fmt: skip
    monkeypatch.setattr("sender.providers.smtp.BREAK_PAUSES", (0,))
    monkeypatch.setattr("sender.delivery.outcomes.DEFAULT_PAUSE", timedelta())
    monkeypatch.setattr("sender.providers.retry_times.DEFERRED_PAUSES", (timedelta(), timedelta()))
    campaign_id = staged(database, people, provider="smtp")
    for number in breaking:
        relay.script[moment, f"person{number}@people.example"] = CUT
    assert sent(through_relay, campaign_id) == "finished"
    ledger = proven(database, campaign_id, relay)
    assert (ledger.failed, ledger.accepted) == (len(breaking), people - len(breaking))
    assert all(reason.startswith("put off 3 times: each connection broke at this mail:") for reason in ledger.failed_by)


def test_people_wait_without_limit_for_a_relay_that_breaks_every_connection(
    database: Database, through_relay: Settings, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sender.providers.smtp.BREAK_PAUSES", (0,))
    monkeypatch.setattr("sender.providers.retry_times.DEFERRED_PAUSES", ())
    campaign_id = staged(database, 2, provider="smtp")
    for number in range(2):
        relay.script["RCPT", f"person{number}@people.example"] = CUT
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=2)
    process = born(through_relay, campaign_id)
    until(lambda: relay.connections >= MOST_BREAKS)
    with database.engine.connect() as connection:
        until(lambda: connection.scalars(select(Attempt.outcome).where(Attempt.ended_at.is_not(None))).first())
    process.kill()
    process.join()
    assert proven(database, campaign_id, relay).waiting == 2
