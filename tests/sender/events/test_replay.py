"""Roll-ups per hour, link and mailbox, and everything worked out again from what is kept, with the same result."""

from __future__ import annotations

import itertools
import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event, func, select, text, update

from daisychain.database import Database
from daisychain.jobs import Workers
from daisychain.secret import installation_secret
from lists.tables import Membership, Suppression
from sender.alerts.conditions import active_conditions
from sender.events import recount
from sender.events.classify import classify_due
from sender.events.page_hits import Hit, record_hits
from sender.events.recount import recount_rollups
from sender.events.replay import Replayed, replay
from sender.events.webhook_bodies import drop_old_bodies
from sender.events.webhook_jobs import QUEUE, process_body, store_body
from sender.links.keys import Keys
from sender.mailbox_providers import OTHER, mailbox_provider
from sender.tables import Delivery, Event, HourRollup, LinkRollup, MailboxRollup, WebhookBody
from sender.upkeep import chores
from tests.command import Daisychain
from tests.public_pages import public_app
from tests.sender.campaigns.test_steering import waits_for_a_lock
from tests.sender.returns import FIREFOX, Sent, sent
from tests.waiting import until

Told = list[dict[str, Any]]
EPOCH = datetime.fromtimestamp(0, UTC)
TOOLKIT = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}


def a_life(campaign: Sent) -> Told:
    """Return every kind of event that roll-ups distinguish, about three mails."""
    machine = {"sg_machine_open": True}
    return [
        *(campaign.event("processed", number) for number in range(3)),
        *(campaign.event("delivered", number, at=1) for number in range(2)),
        campaign.event("bounce", 2, at=1, type="blocked"),
        campaign.event("deferred", 2, at=2),
        campaign.event("open", at=3, **machine),
        campaign.event("open", at=30, useragent=FIREFOX),
        campaign.event("open", 1, at=31, useragent=FIREFOX),
        campaign.event("open", 1, at=32, useragent=FIREFOX),
        campaign.event("click", at=40, useragent=FIREFOX, **TOOLKIT),
        campaign.event("click", at=41, useragent=FIREFOX, **TOOLKIT),
        campaign.event("click", 1, at=42, **TOOLKIT),
        campaign.event("click", 1, at=43, useragent=FIREFOX, url="https://elsewhere.example"),
        campaign.event("click", 1, at=2, useragent="Mozilla/5.0", **TOOLKIT),
        campaign.event("spamreport", 1, at=50),
        campaign.event("unsubscribe", 1, at=60),
        {**campaign.event("levitated", 1, at=70)},
        {"event": "account_status_change", "type": "compliance_suspend", "timestamp": 1_700_000_000},
    ]


def take(campaign: Sent, told: Told) -> int:
    """Store a body and process it; returns its id."""
    with campaign.database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(told))
    with campaign.database.engine.begin() as connection:
        process_body(connection, body_id, campaign.keys)
    return body_id


def hit(campaign: Sent, number: int = 0) -> None:
    """Fetch our own pixel as a reader."""
    with campaign.database.engine.begin() as connection:
        assert not record_hits(connection, [Hit(campaign.deliveries[number], "opened", FIREFOX, "203.0.113.0/24")])


def rows(campaign: Sent, table: Any, *columns: Any) -> list[Any]:
    with campaign.database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).select_from(table).order_by(*columns))]


def differences(campaign: Sent) -> dict[str, int]:
    """Count the rows of roll-ups that differ from the events."""
    with campaign.database.engine.begin() as connection:
        return {table: count for table, count in recount_rollups(connection, [campaign.campaign_id]).items() if count}


def replayed(campaign: Sent, since: datetime = EPOCH) -> Replayed:
    return replay(campaign.database, campaign.keys, since, write=True)


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("ann@gmail.com", "Google"), ("Ann@GoogleMail.COM", "Google"), ("a@hotmail.co.uk", "Microsoft"),
        ("a@btinternet.com", "BT"), ("a@notgmail.com", OTHER), ('"a@b"@icloud.com', "Apple"), ("nobody", OTHER),
    ],
)  # fmt: skip
def test_a_domain_tells_who_runs_a_mailbox(address: str, mailbox: str) -> None:
    assert mailbox_provider(address) == mailbox


def test_mailbox_roll_ups_count_people_once_and_machines_apart(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        first = update(Delivery).where(Delivery.id == campaign.deliveries[0])
        connection.execute(first.values(address="ann@gmail.com"))
    first_mail = {"daisychain_delivery": campaign.key(), "email": "ann@gmail.com"}
    told = [each | first_mail if each.get("email") == campaign.address() else each for each in a_life(campaign)]
    take(campaign, told)
    found = rows(campaign, MailboxRollup, MailboxRollup.mailbox, MailboxRollup.fact, MailboxRollup.people,
                 MailboxRollup.events)  # fmt: skip
    assert [row[1:] for row in found if row[0] == "Google"] == [
        ("clicked_human", 1, 2), ("delivered", 1, 1), ("opened_human", 1, 1), ("opened_machine", 1, 1),
        ("queued", 1, 1),
    ]  # fmt: skip
    others = {row[1]: row[2:] for row in found if row[0] == OTHER}
    assert others["opened_human"] == (1, 2)
    assert others["clicked_machine"] == (1, 1)
    assert others["bounced_soft"] == (1, 1)
    assert "unknown" not in others


def test_link_roll_ups_count_clicks_and_clickers_and_machines_apart(database: Database) -> None:
    campaign = sent(database)
    take(campaign, a_life(campaign))
    found = rows(campaign, LinkRollup, LinkRollup.link, LinkRollup.clicks, LinkRollup.clickers,
                 LinkRollup.machine_clicks)  # fmt: skip
    # A click without a name is nobody's, and one on another address is none on the mail.
    assert found == [(-1, 0, 0, 0), (0, 2, 1, 1)]


def test_hour_roll_ups_begin_with_the_full_hour(database: Database) -> None:
    campaign = sent(database)
    take(campaign, [campaign.event("open", timestamp=1_800_003_599 + second, useragent=FIREFOX) for second in (0, 1)])
    found = rows(campaign, HourRollup, HourRollup.hour, HourRollup.fact, HourRollup.events)
    hour = datetime.fromtimestamp(1_800_000_000, UTC)
    assert found == [(hour, "opened_human", 1), (hour + timedelta(hours=1), "opened_human", 1)]


def test_mails_of_a_test_are_in_no_roll_up(database: Database) -> None:
    campaign = sent(database, kind="test")
    take(campaign, a_life(campaign))
    hit(campaign)
    assert rows(campaign, MailboxRollup, MailboxRollup.fact) == rows(campaign, HourRollup, HourRollup.fact) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_telling_again_leave_roll_ups_as_the_events_say(database: Database, seed: int) -> None:
    campaign = sent(database)
    chance, told = random.Random(seed), a_life(campaign)
    mixed = chance.sample(told * 2, len(told) * 2)
    for start in range(0, len(mixed), 5):
        take(campaign, mixed[start : start + 5])
        hit(campaign, start % 3)
    assert len(campaign.events()) == len(told) + (len(mixed) + 4) // 5
    assert differences(campaign) == {}


def test_bodies_taken_in_at_once_leave_roll_ups_as_the_events_say(database: Database) -> None:
    campaign = sent(database, people=60)
    told = [
        campaign.event(kind, number, useragent=FIREFOX, **TOOLKIT)
        for number in range(60)
        for kind in ("delivered", "open", "click")
    ]
    with database.engine.begin() as connection:
        for seed in range(8):
            store_body(connection, orjson.dumps(random.Random(seed).sample(told, 120)))
    with Workers(database, queues=[QUEUE], concurrency=4, until_idle=True) as workers:
        workers.wait()
    assert differences(campaign) == {}
    assert rows(campaign, LinkRollup, LinkRollup.clickers) == [(len({e.delivery_id for e in campaign.events()
                                                                     if e.kind == "clicked"}),)]  # fmt: skip


def test_a_replay_comes_to_the_same_result(database: Database) -> None:
    campaign = sent(database)
    told = a_life(campaign)
    for start in range(0, len(told), 4):
        take(campaign, told[max(0, start - 2) : start + 4])
    hit(campaign)
    before = campaign.rollups()
    found = replayed(campaign)
    assert found.bodies == (len(told) + 3) // 4
    assert (found.events_before, found.events_after, found.events_changed) == (len(told), len(told), 0)
    assert not any(found.rollups_changed.values())
    assert campaign.rollups() == before
    assert len(campaign.events()) == len(told) + 1
    assert found.first_body == found.kept_since


def test_a_replay_mends_what_went_wrong(database: Database) -> None:
    campaign = sent(database)
    take(campaign, a_life(campaign))
    hit(campaign)
    before, events = campaign.rollups(), len(campaign.events())
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM events WHERE kind = 'opened' AND source <> 'own'"))
        connection.execute(text("UPDATE events SET kind = 'clicked', detail = '{}' WHERE kind = 'complained'"))
        connection.execute(text("UPDATE delivery_rollups SET clicks = 99"))
        connection.execute(text("TRUNCATE hour_rollups, link_clickers"))
    found = replayed(campaign)
    assert (found.events_after, found.events_changed) == (events - 1, 4 + 1)
    assert all(count for table, count in found.rollups_changed.items() if table in {"delivery_rollups", "hour_rollups"})
    assert campaign.rollups() == before
    assert differences(campaign) == {}


@pytest.mark.parametrize("write", [True, False])
def test_an_event_that_changes_counts_once_whatever_is_done_to_it(database: Database, write: bool) -> None:
    campaign = sent(database)
    urls = ("toolkit?a=1&b=2", "near", "join?name=P%201")
    clicks = [campaign.event("click", 1, at=60 + at, url=f"https://campaign.example/{url}", useragent=FIREFOX)
              for at, url in enumerate(urls)]  # fmt: skip
    take(campaign, [campaign.event("delivered", 1), *clicks])
    classify_due(database, rest=0)
    assert rows(campaign, Event, Event.open_class, Event.rules)[1:] == [("machine", "most-links")] * 3
    assert replay(database, campaign.keys, EPOCH, write=write).events_changed == 0
    with database.engine.begin() as connection:  # one is missing, one is wrong; both are stored as a person's at first
        connection.execute(text("DELETE FROM events WHERE url LIKE '%near'"))
        connection.execute(text("UPDATE events SET network = 'x' WHERE url LIKE '%join%'"))
    assert replay(database, campaign.keys, EPOCH, write=write).events_changed == 2
    with database.engine.begin() as connection:  # and two are only classified
        connection.execute(text("UPDATE events SET open_class = 'human', rules = '' WHERE link <> 1"))
        connection.execute(text("DELETE FROM events WHERE url LIKE '%near'"))
    assert replay(database, campaign.keys, EPOCH, write=write).events_changed == 3


def test_events_whose_bodies_are_gone_stand_as_they_are(database: Database) -> None:
    campaign = sent(database)
    first = take(campaign, [campaign.event("delivered"), campaign.event("delivered", 1)])
    take(campaign, [campaign.event("delivered", 1), campaign.event("delivered", 2)])
    before = campaign.rollups()
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM webhook_bodies WHERE id = :id"), {"id": first})
    found = replayed(campaign)
    assert (found.bodies, found.events_before, found.events_after) == (1, 1, 1)
    assert campaign.rollups() == before


def test_only_bodies_since_the_day_that_is_asked_for_are_read(database: Database) -> None:
    campaign = sent(database)
    first = take(campaign, [campaign.event("delivered")])
    take(campaign, [campaign.event("delivered", 1)])
    with database.engine.begin() as connection:
        early = update(WebhookBody).where(WebhookBody.id == first)
        connection.execute(early.values(received_at=func.now() - timedelta(days=3)))
    assert replayed(campaign, datetime.now(UTC) - timedelta(days=1)).bodies == 1
    assert len(campaign.events()) == 2


def test_a_replay_settles_what_the_bodies_prove_and_does_nothing_to_people(database: Database) -> None:
    campaign = sent(database)
    take(campaign, [campaign.event("delivered"), campaign.event("unsubscribe", 1, at=3)])
    with database.engine.begin() as connection:
        connection.execute(update(Membership).values(state="subscribed", left_at=None, left_how=""))
        connection.execute(text("UPDATE attempts SET outcome = 'uncertain', settled_at = NULL"))
        connection.execute(text("UPDATE batches SET state = 'uncertain'"))
        connection.execute(text("UPDATE deliveries SET state = 'uncertain'"))
    assert replayed(campaign).settled == 3
    assert campaign.states() == ["accepted"] * 3
    with database.engine.connect() as connection:
        assert set(connection.scalars(select(Membership.state))) == {"subscribed"}


def test_a_replay_takes_in_the_bodies_whose_jobs_failed_and_passes_over_what_cannot_be_read(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        store_body(connection, orjson.dumps([campaign.event("bounce", type="bounce")]))
        store_body(connection, b"no JSON at all")
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
    found = replayed(campaign)
    assert (found.taken_in, found.not_readable, found.bodies) == (1, 1, 1)
    assert (found.events_after, found.events_changed) == (1, 0)
    assert campaign.rollup().hard_bounced_at is not None
    with database.engine.connect() as connection:
        assert connection.scalars(select(Suppression.address_key)).all() == [campaign.address()]
    assert replayed(campaign).taken_in == 0


class Readers:
    """Fetches a pixel and a link and unsubscribes by it, while something else stands still."""

    def __init__(self, campaign: Sent) -> None:
        self.campaign, self.client = campaign, public_app(campaign.database).test_client()
        self.people = itertools.cycle(range(3, len(campaign.deliveries)))
        self.came = 0

    def come(self) -> None:
        answers: list[int] = []
        reader = threading.Thread(target=lambda: answers.extend(self._read(next(self.people))), daemon=True)
        reader.start()
        reader.join(timeout=120)  # the time is only for a failure
        assert answers == [200, 302, 200]
        self.came += 1

    def _read(self, number: int) -> list[int]:
        one_click = {"List-Unsubscribe": "One-Click"}
        answers = [
            self.client.get(f"/o/{self.campaign.pixel(number)}.gif"),
            self.client.get(f"/c/{self.campaign.click(number)}/0"),
            self.client.post(f"/u/{self.campaign.unsubscribe(number)}", data=one_click),
        ]
        return [answer.status_code for answer in answers]


@pytest.mark.parametrize("flags", [(), ("--yes",)])
def test_readers_wait_at_no_step_of_a_replay(
    database: Database, daisychain: Daisychain, flags: tuple[str, ...]
) -> None:
    campaign = sent(database, people=12)
    take(campaign, a_life(campaign))
    take(campaign, a_life(campaign)[:5])
    with database.engine.begin() as connection:  # events to forget, and events to store
        connection.execute(text("UPDATE events SET bounce = 'hard' WHERE kind = 'bounced'"))
        connection.execute(text("DELETE FROM events WHERE kind = 'queued'"))
    readers, here = Readers(campaign), threading.get_ident()

    def after_statement(*_: Any) -> None:
        if threading.get_ident() == here:
            readers.come()

    event.listen(Engine, "after_cursor_execute", after_statement)
    try:
        daisychain("events", "replay", *flags)
    finally:
        event.remove(Engine, "after_cursor_execute", after_statement)
    assert readers.came > 20


def test_a_correction_of_figures_holds_up_no_other_reader_and_counts_whoever_comes_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = sent(database, people=12)
    take(campaign, a_life(campaign))
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE delivery_rollups SET clicks = 99, facts = 0"))
        connection.execute(text("TRUNCATE hour_rollups, link_clickers"))
        connection.execute(text("UPDATE mailbox_rollups SET people = 7"))
    readers, count = Readers(campaign), recount._count

    def count_slowly(*given: Any, **how: Any) -> None:
        readers.come()
        count(*given, **how)
        readers.come()

    monkeypatch.setattr(recount, "_count", count_slowly)
    assert any(replayed(campaign).rollups_changed.values())
    assert readers.came == 6
    monkeypatch.undo()
    assert differences(campaign) == {}


def test_whoever_waits_for_a_roll_up_that_is_corrected_has_its_lock_afterwards(database: Database) -> None:
    campaign = sent(database)
    take(campaign, a_life(campaign))
    locked: list[int] = []

    def lock() -> None:
        with database.engine.begin() as connection:
            rows = connection.execute(text("SELECT delivery_id FROM delivery_rollups ORDER BY 1 FOR UPDATE"))
            locked.extend(rows.scalars())

    with database.engine.begin() as connection:
        recount._correct_deliveries(connection, campaign.deliveries)
        other = threading.Thread(target=lock)
        other.start()
        until(lambda: waits_for_a_lock(database))
    other.join()
    assert locked == campaign.deliveries


def test_a_body_that_can_not_be_read_is_flagged_and_no_longer_waits(database: Database, daisychain: Daisychain) -> None:
    with database.engine.begin() as connection:
        store_body(connection, b"no JSON at all")
    with Workers(database, queues=[QUEUE], until_idle=True) as workers:
        workers.wait()
    with database.engine.connect() as connection:
        assert connection.scalars(select(WebhookBody.id).where(WebhookBody.processed_at.is_(None))).all() == []
        later = datetime.now(UTC) + timedelta(hours=1)
        conditions = {each.key: each.message for each in active_conditions(connection, database.settings, later)}
    assert "1 webhook bodies could not be read" in conditions["flagged"]
    assert "webhook bodies" not in conditions
    findings = {each["subject"]: each["words"] for each in daisychain.json("doctor", "--format", "json", code=1)}
    assert "1 webhook bodies" in findings["flagged"]
    assert replay(database, Keys(installation_secret(database.settings)), EPOCH, write=True).not_readable == 1


def test_the_command_shows_first_and_writes_when_told(database: Database, daisychain: Daisychain) -> None:
    campaign = sent(database)
    take(campaign, [campaign.event("delivered")])
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE events"))
    shown = daisychain.json("events", "replay", "--format", "json")
    assert (shown["events_before"], shown["events_after"], shown["written"]) == (0, 1, False)
    assert campaign.events() == []
    daisychain("events", "replay", "--yes", "--from", "2020-01-01")
    assert len(campaign.events()) == 1


@pytest.mark.parametrize("sound", [True, False])
def test_old_bodies_go_once_the_roll_ups_agree_with_the_events(database: Database, sound: bool) -> None:
    campaign = sent(database)
    old, waiting, young = (take(campaign, [campaign.event("delivered", number)]) for number in range(3))
    with database.engine.begin() as connection:
        connection.execute(
            update(WebhookBody).where(WebhookBody.id != young).values(received_at=func.now() - timedelta(days=91))
        )
        connection.execute(
            update(Event).where(Event.body_id != young).values(received_at=func.now() - timedelta(days=91))
        )
        connection.execute(update(WebhookBody).where(WebhookBody.id == waiting).values(processed_at=None))
        if not sound:
            connection.execute(text("UPDATE hour_rollups SET events = 7"))
    result = chores.run_chore(database, "old bodies")
    left = rows(campaign, WebhookBody, WebhookBody.id)
    assert left == ([(waiting,), (young,)] if sound else [(old,), (waiting,), (young,)])
    assert result.startswith("1 deleted" if sound else "kept, as roll-ups differ")
    assert len(rows(campaign, Event, Event.id)) == 3


def test_where_no_body_is_old_none_is_counted(database: Database) -> None:
    assert drop_old_bodies(database) == "0 deleted"
