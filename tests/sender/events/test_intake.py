"""What a provider tells, on its way into events, roll-ups, suppressions and the ledger."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, delete, event, func, select, text, update

from daisychain.database import Database
from daisychain.jobs import Workers
from lists.tables import Membership, Suppression
from sender.campaigns import resolve, steering
from sender.delivery import confirmed_places
from sender.events import sendgrid_webhook
from sender.events.flagged import EVENT, MISDIRECTED
from sender.events.webhook_bodies import drop_old_bodies
from sender.events.webhook_jobs import QUEUE, defer_unprocessed, process_body, store_body
from sender.links.keys import KeyKind, Keys
from sender.tables import Attempt, Batch, Campaign, Delivery, Event, Flagged, Place, Rollup, WebhookBody
from tests.sender.returns import FIREFOX, Sent, add_attempt, resent, sent

Told = list[dict[str, Any]]


def take(campaign: Sent, told: Told) -> int:
    """Store a body of these events and process it as its job does; returns how many are new."""
    with campaign.database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(told))
    with campaign.database.engine.begin() as connection:
        return process_body(connection, body_id, campaign.keys)


def suppressed(database: Database) -> dict[str, str]:
    """Return the suppressions: address → reason."""
    with database.engine.connect() as connection:
        rows = connection.execute(select(Suppression.address_key, Suppression.reason))
        return {row.address_key: row.reason for row in rows}


def a_life(campaign: Sent) -> Told:
    """Return every kind of event about three mails."""
    link = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}
    return [
        campaign.event("processed"),
        campaign.event("deferred", at=1, response="451 later"),
        campaign.event("delivered", at=2),
        campaign.event("open", at=3, sg_machine_open=True),
        campaign.event("open", at=30, useragent=FIREFOX),
        campaign.event("open", at=20, useragent=FIREFOX),
        campaign.event("open", at=25),
        campaign.event("click", at=40, useragent=FIREFOX, **link),
        campaign.event("click", at=41, useragent=FIREFOX, **link),
        campaign.event("spamreport", at=50),
        campaign.event("unsubscribe", at=60),
        campaign.event("bounce", 1, type="blocked"),
        campaign.event("bounce", 1, at=9, type="bounce"),
        campaign.event("dropped", 2, reason="Spam Content"),
    ]


def test_a_roll_up_holds_first_times_and_counts(database: Database) -> None:
    campaign = sent(database)
    assert take(campaign, a_life(campaign)) == 14
    first, second, third = campaign.rollups()
    assert (first.human_opens, first.machine_opens, first.unknown_opens, first.clicks) == (2, 1, 1, 2)
    assert first.first_human_open_at < first.first_click_at < first.complained_at < first.unsubscribed_at
    assert first.delivered_at is not None
    assert first.hard_bounced_at is None
    assert second.soft_bounced_at < second.hard_bounced_at
    assert third.dropped_at is not None
    assert campaign.states() == ["accepted"] * 3


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_telling_again_give_the_same_roll_ups(database: Database, seed: int) -> None:
    campaign = sent(database)
    told = a_life(campaign)
    take(campaign, told)
    expected = campaign.rollups()
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE events, delivery_rollups"))
    chance = random.Random(seed)
    again = [{**each, "sg_event_id": f"again-{seed}"} for each in chance.choices(told, k=20)]
    mixed = chance.sample(told + again, len(told + again))
    new = sum(take(campaign, mixed[start : start + 7]) for start in range(0, len(mixed), 7))
    assert new == len(told)
    assert campaign.rollups() == expected


def test_a_body_is_taken_in_once_whatever_its_jobs_do(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps([campaign.event("delivered")]))
    counts = []
    for _ in range(3):
        with database.engine.begin() as connection:
            counts.append(process_body(connection, body_id, campaign.keys))
    assert counts == [1, 0, 0]


def test_a_body_that_is_being_taken_in_is_left_to_whoever_does(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps([campaign.event("delivered")]))
    with database.engine.begin() as first, database.engine.begin() as second:
        assert process_body(first, body_id, campaign.keys) == 1
        assert process_body(second, body_id, campaign.keys) == 0


def test_a_body_that_a_dead_worker_left_gets_a_job_again(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        store_body(connection, orjson.dumps([campaign.event("delivered")]))
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        assert defer_unprocessed(connection) == 0
        connection.execute(update(WebhookBody).values(received_at=func.now() - timedelta(minutes=5)))
        assert defer_unprocessed(connection) == 1
        assert defer_unprocessed(connection) == 0
    with Workers(database, queues=[QUEUE], until_idle=True) as workers:
        workers.wait()
    assert len(campaign.events()) == 1


def test_a_body_whose_job_failed_for_good_gets_another_after_ever_longer_pauses(database: Database) -> None:
    with database.engine.begin() as connection:
        store_body(connection, b"[]")
        connection.execute(update(WebhookBody).values(received_at=func.now() - timedelta(hours=9)))
        for hours in (1, 2, 3):
            connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'"))
            connection.execute(text("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'"))
            for minutes, jobs in ((hours * 60 - 5, 0), (10, 1)):
                passed = text("UPDATE procrastinate_events SET at = at - make_interval(mins => :minutes)")
                connection.execute(passed, {"minutes": minutes})
                assert defer_unprocessed(connection) == jobs


STRANGE: dict[str, dict[str, Any]] = {
    "another application's": {"event": "delivered", "email": "x@y.example", "timestamp": 1_700_000_000},
    "another installation's": {
        "event": "open", "email": "x@y.example", "timestamp": 1_700_000_000,
        "daisychain_delivery": Keys("another").make(KeyKind.HEADER, [1])[0],
        "daisychain_attempt": Keys("another").attempt(1),
    },
    "about the account": {"event": "account_status_change", "type": "compliance_suspend", "timestamp": 1_700_000_000},
    "with one category": {"event": "processed", "category": "news", "email": "x@y.example"},
    "with categories": {"event": "processed", "category": ["news", "may"], "email": "x@y.example"},
    "of an unknown kind": {"event": "levitated", "email": "x@y.example", "nested": {"a": [1]}},
    "of no kind": {},
    "with what a text can't hold": {"event": "delivered\0", "reason": "\0", "email": "\0", "k\0": "\0"},
}  # fmt: skip


@pytest.mark.parametrize("case", STRANGE)
def test_strange_events_are_kept_without_a_delivery(database: Database, case: str) -> None:
    campaign = sent(database)
    assert take(campaign, [STRANGE[case]]) == 1
    assert take(campaign, [STRANGE[case]]) == 0
    [kept] = campaign.events()
    assert (kept.delivery_id, kept.campaign_id, kept.attempt_id) == (None, None, None)
    assert not campaign.rollups()


def test_a_key_of_ours_without_a_row_is_kept_as_foreign(database: Database) -> None:
    campaign = sent(database)
    told = campaign.event("open") | {"daisychain_delivery": campaign.keys.make(KeyKind.HEADER, [10**9])[0],
                                     "daisychain_attempt": campaign.keys.attempt(10**9)}  # fmt: skip
    take(campaign, [told])
    [kept] = campaign.events()
    assert kept.delivery_id is None
    assert kept.attempt_id is None
    address_hash = hashlib.sha256(campaign.address().encode()).hexdigest()
    assert kept.detail == {"address_hash": address_hash, "foreign": True}


def test_readers_of_other_applications_are_kept_as_a_hash_for_90_days(database: Database) -> None:
    campaign = sent(database)
    foreign = {"email": "Bob@Else.org", "timestamp": campaign.began}
    take(campaign, [
        foreign | {"event": "click", "url": "https://else.org/x?for=bob@else.org", "sg_event_id": "1"},
        foreign | {"event": "delivered", "response": "250 for bob@else.org"},
        foreign | {"event": "what is this", "user": "bob@else.org"},
        campaign.event("delivered"),
    ])  # fmt: skip
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM events WHERE events::text ILIKE '%else.org%bob%'")) == 0
        assert connection.scalar(text("SELECT count(*) FROM events WHERE events::text ILIKE '%bob@%'")) == 0
    address_hash = hashlib.sha256(b"bob@else.org").hexdigest()
    assert sorted(each.detail.get("address_hash", "") for each in campaign.events()) == ["", *[address_hash] * 3]
    drop_old_bodies(database)
    assert any("address_hash" in each.detail for each in campaign.events())
    with database.engine.begin() as connection:
        connection.execute(update(Event).values(received_at=func.now() - timedelta(days=91)))
    drop_old_bodies(database)
    assert not any("address_hash" in each.detail for each in campaign.events())


def test_an_event_that_can_not_be_stored_is_flagged_and_the_others_of_its_body_count(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_event(event: dict[str, Any], *rest: Any) -> Any:
        if event["event"] == "open":
            raise KeyError(event["email"])
        return right(event, *rest)

    right = sendgrid_webhook._to_event
    monkeypatch.setattr(sendgrid_webhook, "_to_event", to_event)
    campaign = sent(database)
    assert take(campaign, [campaign.event("delivered"), campaign.event("open", 1), campaign.event("bounce", 2)]) == 2
    with database.engine.connect() as connection:
        [flagged] = connection.execute(select(Flagged.__table__)).all()
        assert connection.scalar(select(func.count()).where(WebhookBody.processed_at.isnot(None))) == 1
    assert (flagged.kind, flagged.reference) == (EVENT, "body 1, event 2")
    assert flagged.reason.startswith("KeyError in events/test_intake.py, line ")
    assert "people.example" not in flagged.reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"event": "bounce", "type": "bounce", "reason": "550 no such user"}, "hard bounce"),
        ({"event": "spamreport"}, "complaint"),
        ({"event": "bounce", "type": "blocked"}, None),
        ({"event": "dropped", "reason": "Spam Content"}, None),
        ({"event": "dropped", "reason": "Bounced Address"}, "hard bounce"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complaint"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed at sendgrid"),
    ],
)
@pytest.mark.parametrize("keyed", [True, False])
def test_who_bounces_for_good_or_complains_is_never_mailed_again(
    database: Database, told: dict[str, Any], reason: str | None, keyed: bool
) -> None:
    campaign = sent(database)
    whole = campaign.event(told["event"]) | told
    if not keyed:
        del whole["daisychain_delivery"], whole["daisychain_attempt"]
        whole["email"] = "Person0@People.Example"
    take(campaign, [whole])
    assert suppressed(database) == ({campaign.address(): reason} if reason else {})


def test_leaving_a_group_of_another_application_leaves_no_list_of_ours(database: Database) -> None:
    campaign = sent(database)
    told = campaign.event("dropped", reason="Unsubscribed Address", asm_group_id=7)
    del told["daisychain_delivery"], told["daisychain_attempt"]
    take(campaign, [told])
    assert suppressed(database) == {}


def test_a_bounce_without_a_key_joins_the_only_mail_of_the_week(database: Database) -> None:
    campaign = sent(database)
    told = campaign.event("bounce", type="bounce")
    del told["daisychain_delivery"], told["daisychain_attempt"]
    take(campaign, [told])
    assert campaign.rollup().hard_bounced_at is not None
    assert campaign.events()[0].detail["matched_by"] == "address"


@pytest.mark.parametrize(("days", "joins"), [(0, False), (6, False), (8, True)])
def test_a_bounce_that_may_be_about_two_mails_of_one_week_joins_neither(
    database: Database, days: int, joins: bool
) -> None:
    earlier = sent(database, frozen_at=datetime.now(UTC) - timedelta(days=days))
    with database.engine.begin() as connection:
        later = resent(database, connection, earlier.list_id, earlier.members)
    told = later.event("bounce", type="bounce")
    del told["daisychain_delivery"], told["daisychain_attempt"]
    take(later, [told])
    [kept] = later.events()
    assert kept.delivery_id == (later.deliveries[0] if joins else None)
    assert suppressed(database) == {later.address(): "hard bounce"}


@pytest.mark.parametrize("kind", ["unsubscribe", "group_unsubscribe", "dropped"])
def test_who_leaves_at_the_provider_leaves_the_list(database: Database, kind: str) -> None:
    campaign = sent(database)
    take(campaign, [campaign.event(kind, 1, **({"reason": "Unsubscribed Address"} if kind == "dropped" else {}))])
    with database.engine.connect() as connection:
        left = connection.execute(
            select(Membership.member_id, Membership.left_how).where(Membership.state == "unsubscribed")
        ).all()
    assert left == [(campaign.members[1], "sendgrid")]


@pytest.mark.parametrize("kind", ["processed", "deferred", "delivered", "dropped", "bounce"])
def test_one_event_settles_its_whole_uncertain_request(database: Database, kind: str) -> None:
    campaign = sent(database, outcome="uncertain")
    take(campaign, [campaign.event(kind, 2)])
    assert campaign.states() == ["accepted"] * 3
    attempt = campaign.one(select(Attempt.outcome, Attempt.settled_by, Attempt.settled_at))
    assert (attempt.outcome, attempt.settled_by) == ("accepted", "event")
    assert attempt.settled_at is not None
    assert campaign.one(select(Batch.state)).state == "done"


def test_nothing_else_settles_an_uncertain_request(database: Database) -> None:
    campaign = sent(database, outcome="uncertain")
    other = campaign.event("delivered") | {"daisychain_attempt": campaign.keys.attempt(10**6)}
    keyless = campaign.event("processed") | {"daisychain_attempt": None}
    take(campaign, [other, keyless, campaign.event("open")])
    assert campaign.states() == ["uncertain"] * 3


def test_people_refused_before_the_request_left_stay_failed(database: Database) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        failed = update(Delivery).where(Delivery.id == campaign.deliveries[0])
        connection.execute(failed.values(state="failed", reason="too long"))
    take(campaign, [campaign.event("processed", 1)])
    assert campaign.states() == ["failed", "accepted", "accepted"]


def test_proof_that_comes_before_a_mail_is_sent_again_stops_that(database: Database) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        resolve.resolve(connection, campaign.campaign_id, "send-again", who="Ann", because="too long")
    assert campaign.states() == ["waiting"] * 3
    take(campaign, [campaign.event("delivered")])
    assert campaign.states() == ["accepted"] * 3
    assert not campaign.events()[0].detail.get("double")


def test_an_event_of_an_attempt_that_was_made_again_is_kept_as_a_double(database: Database) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        add_attempt(connection, campaign.campaign_id, campaign.batch_id, "accepted")
        connection.execute(update(Delivery).values(state="accepted"))
        connection.execute(update(Batch).values(state="done"))
    take(campaign, [campaign.event("delivered"), campaign.event("delivered", 1, at=1)])
    take(campaign, [campaign.event("open", at=5)])
    assert [each.detail.get("double") for each in campaign.events()] == [True] * 3
    assert campaign.states() == ["accepted"] * 3


def test_an_attempt_that_was_taken_is_no_double_though_others_of_its_batch_were_tried_later(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        add_attempt(connection, campaign.campaign_id, campaign.batch_id, "accepted")
    take(campaign, [campaign.event("delivered")])
    assert "double" not in campaign.events()[0].detail


@pytest.mark.parametrize("settled", ["by an event", "by a person"])
def test_an_attempt_whose_doubt_had_ended_is_no_double_though_failed_people_of_its_batch_were_tried_again(
    database: Database, settled: str
) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        failed = update(Delivery).where(Delivery.id == campaign.deliveries[0])
        connection.execute(failed.values(state="failed", reason="no such person"))
    if settled == "by an event":
        take(campaign, [campaign.event("delivered", 1)])
    else:
        with database.engine.begin() as connection:
            resolve.resolve(connection, campaign.campaign_id, "count-as-accepted", who="Ann", because="I asked")
    with database.engine.begin() as connection:
        steering.retry(connection, campaign.campaign_id, who="Ann", because="mended")
        add_attempt(connection, campaign.campaign_id, campaign.batch_id, "accepted")
    take(campaign, [campaign.event("delivered", 2)])
    assert not any(each.detail.get("double") for each in campaign.events())


def test_events_of_an_attempt_in_flight_change_nothing_in_the_ledger(database: Database) -> None:
    campaign = sent(database, outcome="")
    take(campaign, [campaign.event("delivered")])
    assert campaign.states() == ["waiting"] * 3
    assert campaign.one(select(Attempt.outcome)).outcome is None
    assert campaign.events()[0].attempt_id == campaign.attempt_id


# The middle link is shown to person 1 alone; a place past it is another link for everybody else.
@pytest.mark.parametrize(
    ("person", "place", "url", "link"),
    [
        (0, 0, "https://campaign.example/toolkit?a=1&b=2", 0),
        (0, 1, "https://campaign.example/join?name=P%200", 2),
        (1, 1, "https://campaign.example/near", 1),
        (1, 2, "https://campaign.example/join?name=P%201", 2),
        (0, 1, "https://campaign.example/join?name=P%200&utm=x", 2),
        (0, None, "https://campaign.example/join?name=P%200", 2),
        (0, 9, "https://campaign.example/toolkit?a=1&b=2", 0),
        (0, 9, "https://elsewhere.example", None),
        (0, -1, "", None),
    ],
)
def test_a_click_is_joined_to_the_link_that_this_person_saw(
    database: Database, person: int, place: int | None, url: str, link: int | None
) -> None:
    campaign = sent(database)
    offset = {} if place is None else {"url_offset": {"index": place, "type": "html"}}
    take(campaign, [campaign.event("click", person, url=url, **offset)])
    assert [each.link for each in campaign.events()] == [link]


def test_mails_of_a_test_have_events_and_no_roll_up(database: Database) -> None:
    campaign = sent(database, kind="test")
    take(campaign, [campaign.event("delivered"), campaign.event("unsubscribe")])
    assert {each.delivery_id for each in campaign.events()} == {campaign.deliveries[0]}
    assert not campaign.rollups()


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that are executed in the context."""
    statements: list[str] = []

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        statements.extend([statement] * (len(parameters) if isinstance(parameters, list) else 1))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_thousand_events_take_no_more_statements_than_a_few(database: Database) -> None:
    campaign = sent(database, people=250)
    kinds = ("delivered", "open", "bounce", "click")
    told = [
        campaign.event(kind, number, type="bounce", url="https://campaign.example/near")
        for number in range(250)
        for kind in kinds
    ]
    with database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(told))
    with counted(database.engine) as statements, database.engine.begin() as connection:
        assert process_body(connection, body_id, campaign.keys) == 1000
    assert len(statements) <= 19  # two of them ask whether anybody was forgotten
    assert len(suppressed(database)) == 250
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Rollup)) == 250


def test_two_bodies_at_once_with_the_same_events_in_other_orders_do_not_lock_each_other_out(database: Database) -> None:
    campaign = sent(database, people=100)
    told = [campaign.event("delivered", number) for number in range(100)]
    with database.engine.begin() as connection:
        for seed in range(8):
            store_body(connection, orjson.dumps(random.Random(seed).sample(told, len(told))))
    with Workers(database, queues=[QUEUE], concurrency=4, until_idle=True) as workers:
        workers.wait()
    assert len(campaign.events()) == 100
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(WebhookBody.processed_at.is_(None))) == 0


def flagged_kinds(campaign: Sent) -> list[str]:
    with campaign.database.engine.connect() as connection:
        return list(connection.scalars(select(Flagged.kind)))


@pytest.mark.parametrize("kind", ["delivered", "bounce", "spamreport", "unsubscribe", "dropped", "open", "click"])
def test_an_event_about_another_address_than_its_mails_is_kept_and_flagged_and_touches_nobody(
    database: Database, kind: str
) -> None:
    campaign = sent(database, outcome="uncertain")
    fields = {"email": "somebody@else.example", "type": "bounce", "reason": "Bounced Address"}
    take(campaign, [campaign.event(kind, **fields)])
    [kept] = campaign.events()
    assert (kept.delivery_id, kept.campaign_id, kept.attempt_id) == (None, None, None)
    assert kept.detail["misdirected"] is True
    assert "else.example" not in str(kept)
    assert flagged_kinds(campaign) == [MISDIRECTED]
    assert suppressed(database) == {}
    assert campaign.states() == ["uncertain"] * 3
    assert campaign.rollups() == []
    with database.engine.connect() as connection:
        assert set(connection.scalars(select(Membership.state))) == {"subscribed"}


@pytest.mark.parametrize("old", [True, False])
def test_the_one_key_of_old_mails_counts_for_their_campaigns_only(database: Database, old: bool) -> None:
    campaign = sent(database, outcome="uncertain")
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(one_key=old))
    take(campaign, [campaign.event("delivered") | {"daisychain_delivery": campaign.key(kind=KeyKind.ANY)}])
    assert flagged_kinds(campaign) == ([] if old else [MISDIRECTED])
    assert campaign.states() == ["accepted" if old else "uncertain"] * 3
    assert [event.delivery_id for event in campaign.events()] == [campaign.deliveries[0] if old else None]


@pytest.mark.parametrize("written", ["PERSON0@people.EXAMPLE", " person0@people.example"])
def test_the_same_address_may_be_written_in_another_way(database: Database, written: str) -> None:
    campaign = sent(database)
    take(campaign, [campaign.event("bounce", email=written, type="bounce")])
    assert flagged_kinds(campaign) == []
    assert suppressed(database) == {campaign.address(): "hard bounce"}


def test_an_attempt_that_was_for_other_people_is_not_settled_by_their_event(database: Database) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        other = resent(database, connection, campaign.list_id, campaign.members, outcome="uncertain")
    take(campaign, [campaign.event("delivered") | {"daisychain_attempt": campaign.keys.attempt(other.attempt_id)}])
    assert campaign.states() == ["accepted"] * 3 + ["uncertain"] * 3
    [kept] = campaign.events()
    assert (kept.delivery_id, kept.attempt_id) == (campaign.deliveries[0], None)


@pytest.mark.parametrize("kind", ["bounce", "spamreport", "unsubscribe"])
def test_a_no_about_a_forgotten_mail_is_heard_by_its_address(database: Database, kind: str) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        connection.execute(delete(Delivery).where(Delivery.id == campaign.deliveries[0]))
    take(campaign, [campaign.event(kind, type="bounce")])
    assert set(suppressed(database)) == {campaign.address()}
    with database.engine.connect() as connection:
        assert connection.scalars(select(Place.withdrawn_because)).all() == []


@pytest.mark.parametrize("what", ["delivery", "attempt"])
def test_an_event_of_a_mail_that_was_never_sent_here_withdraws_all_confirmations(database: Database, what: str) -> None:
    campaign = sent(database)
    keys = campaign.keys
    later = {
        "delivery": {"daisychain_delivery": keys.make(KeyKind.HEADER, [campaign.deliveries[-1] + 1])[0]},
        "attempt": {"daisychain_attempt": keys.attempt(campaign.attempt_id + 1)},
    }
    take(campaign, [campaign.event("delivered") | later[what]])
    with database.engine.begin() as connection:
        assert "went back in time" in confirmed_places.why_not(connection, database.settings)
