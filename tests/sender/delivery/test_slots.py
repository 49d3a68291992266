"""Slots grow while a provider answers late, shrink at its rate limit, and never mail anybody twice."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from daisychain.database import Database
from daisychain.jobs import MOST_TIMES
from daisychain.settings import Settings
from sender.campaigns.freeze import freeze
from sender.delivery import slot_count
from sender.delivery.slot_count import SlotCount
from sender.providers.provider import Outcome, Verdict
from sender.upkeep import foreground
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.delivery.test_kill import proven
from tests.sender.staging import staged
from tests.waiting import until

PEOPLE, SLOTS = 1_200, 2


def answered(seconds: float, status: int = 202) -> Outcome:
    return Outcome(Verdict.ACCEPTED, status=status, answered_in=seconds)


def test_slots_grow_while_answers_take_longer_than_our_own_work_up_to_a_limit() -> None:
    slots = SlotCount()
    grown = []
    for _ in range(5):
        slots.note(answered(0.3), 0.35)
        grown.append(slots.times)
    assert grown == [2, MOST_TIMES, MOST_TIMES, MOST_TIMES, MOST_TIMES]


@pytest.mark.parametrize("outcome", [answered(0.01), Outcome(Verdict.ACCEPTED), Outcome(Verdict.UNCERTAIN)])
def test_slots_do_not_grow_for_quick_answers_nor_for_a_relay(outcome: Outcome) -> None:
    slots = SlotCount()
    for _ in range(20):
        slots.note(outcome, 0.05)
    assert slots.times == 1


def test_one_late_answer_among_quick_ones_is_no_reason_to_grow() -> None:
    slots = SlotCount()
    for _ in range(9):
        slots.note(answered(0.01), 0.1)
    slots.note(answered(0.2), 0.25)
    assert slots.times == 1


def test_a_rate_limit_takes_slots_and_nothing_grows_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = SlotCount()
    for _ in range(MOST_TIMES):
        slots.note(answered(0.3), 0.35)
    for _ in range(MOST_TIMES):
        slots.note(answered(0.3, status=429), 0.35)
        slots.note(answered(0.3), 0.35)
    assert slots.times == 1
    monkeypatch.setattr(slot_count.time, "monotonic", lambda: slots._calm_until)
    slots.note(answered(0.3), 0.35)
    assert slots.times == 2


def slots_at_work(database: Database) -> int:
    """Return how many times its first slots the process uses: each set of slots is a worker of the job engine."""
    with database.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM procrastinate_workers")) or 0)


def test_a_campaign_gets_more_slots_when_answers_are_late_and_fewer_after_a_rate_limit(
    through_sendgrid: Settings, database: Database, sendgrid: FakeSendGrid
) -> None:
    campaign_id = staged(database, PEOPLE, provider="sendgrid")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=25)
    sendgrid.delay, most = 0.5, SLOTS * MOST_TIMES
    sendgrid.script(*[None] * 4 * SLOTS, *[Fault("late", taken=True, seconds=120)] * most)
    own = Database(through_sendgrid)
    work = threading.Thread(
        target=foreground.work_until_over, args=[own, campaign_id], kwargs={"concurrency": SLOTS, "processes": 1}
    )
    work.start()
    until(lambda: len(sendgrid.requests) == 4 * SLOTS + most)
    assert slots_at_work(database) == MOST_TIMES
    sendgrid.script(*[Fault(status=429, headers={"Retry-After": "1"})] * MOST_TIMES)
    sendgrid.released.set()
    until(lambda: slots_at_work(database) == 1)
    sendgrid.delay = 0
    work.join(300)
    own.close()
    assert slots_at_work(database) == 0
    ledger = proven(database, campaign_id, sendgrid)
    assert (ledger.accepted, ledger.waiting) == (PEOPLE, 0)
