"""Hits compared with each other: who is a scanner, and roll-ups that move with the classes."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import OperationalError

from daisychain.database import Database
from daisychain.errors import StateError
from lists.tables import Member
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.follow_ups import audience_of
from sender.event import IncomingEvent
from sender.events import classify, reader_rules, webhook_jobs
from sender.events.classify import classify_due
from sender.events.intake import ingest
from sender.events.reader_rules import RULE_SET
from sender.events.recount import correct_rollups, recount_rollups
from sender.events.sendgrid_webhook import to_events
from sender.tables import Event, Rollup
from tests.reports.simulated_readers import CHROME, START, Hit
from tests.reports.simulation import Staged, report_by_webhook, stage, store
from tests.sender.returns import sent

LATER = START + 7_200


def delivered(people: int) -> list[Hit]:
    return [Hit(person, "delivered", START) for person in range(people)]


def clicks(person: int, links: int, *, begin: float = LATER, gap: float = 20.0) -> list[Hit]:
    """Return clicks of one person on the first links, so many seconds apart."""
    return [Hit(person, "click", begin + gap * link, CHROME, link=link) for link in range(links)]


def offices(database: Database, *sizes: int, domain: str = "office{}.example") -> Staged:
    """Stage a campaign to offices of these sizes."""
    return stage(database, [
        f"reader{number}@{domain.format(office)}" for office, size in enumerate(sizes) for number in range(size)
    ])  # fmt: skip


def classes(staged: Staged, kind: str = "clicked") -> list[tuple[str, str]]:
    """Return class and rules of the hits of a kind, in the order of time and person."""
    with staged.database.engine.connect() as connection:
        found = select(Event.open_class, Event.rules).where(Event.kind == kind)
        rows = connection.execute(found.order_by(Event.at, Event.delivery_id, Event.id))
        return [(row.open_class, row.rules) for row in rows]


def assert_recounted(staged: Staged) -> None:
    """Fail unless each roll-up is what its events make."""
    with staged.database.engine.begin() as connection:
        assert not any(recount_rollups(connection, [staged.campaign_id]).values())


CASES: dict[str, tuple[Callable[[], list[Hit]], str, str]] = {
    "four links within two seconds": (lambda: clicks(0, 4, gap=0.66), "machine", "burst"),
    "four links within three": (lambda: clicks(0, 4, gap=1), "human", ""),
    "three links at once": (lambda: clicks(0, 3, gap=0), "human", ""),
    "one link many times": (lambda: [Hit(0, "click", LATER + n, CHROME, link=0) for n in range(9)], "human", ""),
    "most links within five minutes": (lambda: clicks(0, 4, begin=START + 100, gap=40), "machine", "most-links"),
    "half of the links within five minutes": (lambda: clicks(0, 3, begin=START + 100, gap=40), "human", ""),
    "most links, but later": (lambda: clicks(0, 6, gap=40), "human", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mail_whose_links_are_followed_like_a_scanner_s(database: Database, case: str) -> None:
    make, open_class, rules = CASES[case]
    staged = offices(database, 1)
    store(staged, delivered(1) + make())
    staged.classify()
    assert set(classes(staged)) == {(open_class, rules)}
    assert_recounted(staged)


@pytest.mark.parametrize(
    ("people", "clickers", "domain", "at", "guarded"),
    [
        (10, 3, "office{}.example", 290, True), (10, 2, "office{}.example", 290, False),
        (10, 3, "office{}.example", 310, False), (4, 4, "office{}.example", 290, False),
        (5, 2, "office{}.example", -3, True), (10, 9, "gmail.com", 290, False), (10, 3, "OFFICE{}.Example", 290, True),
    ],
)  # fmt: skip
def test_a_domain_where_many_click_early_is_guarded(
    database: Database, people: int, clickers: int, domain: str, at: float, guarded: bool
) -> None:
    staged = offices(database, people, domain=domain)
    store(staged, delivered(people) + [Hit(person, "click", START + at, CHROME, link=0) for person in range(clickers)])
    staged.classify()
    assert set(classes(staged)) == {("machine", "guarded-domain") if guarded else ("human", "")}
    figures = staged.report().figures
    told = (figures["clicked"].numerator, figures["clicked_machine"].numerator,
            figures["clicked_not_told_apart"].numerator)  # fmt: skip
    assert told == ((0, clickers, clickers) if guarded else (clickers, 0, 0))
    assert_recounted(staged)


@pytest.mark.parametrize(
    ("people", "early", "later", "domain", "guarded"),
    [
        (20, 6, 3, "office{}.example", True), (20, 6, 7, "office{}.example", False),
        (20, 4, 0, "office{}.example", False), (100, 5, 0, "office{}.example", True),
        (120, 5, 0, "office{}.example", False), (20, 6, 0, "gmail.com", False),
    ],
)  # fmt: skip
def test_small_domains_are_judged_together(
    database: Database, people: int, early: int, later: int, domain: str, guarded: bool
) -> None:
    staged = offices(database, *((1, 4, 2, 3) * people)[: people * 2 // 5], domain=domain)
    assert len(staged.addresses) == people
    hits = [Hit(number, "click", START + 43, CHROME, link=0) for number in range(early)]
    hits += [Hit(people - number, "click", LATER, CHROME, link=1) for number in range(1, later + 1)]
    store(staged, delivered(people) + hits)
    staged.classify()
    assert classes(staged)[:early] == [("machine", "guarded-domain") if guarded else ("human", "")] * early
    assert classes(staged)[early:] == [("human", "")] * later
    assert_recounted(staged)


@pytest.mark.parametrize(("early", "late_scan"), [(9, True), (8, False)])
def test_where_every_mail_is_scanned_a_late_first_click_is_the_scanner_s(
    database: Database, early: int, late_scan: bool
) -> None:
    staged = offices(database, 10)
    hits = [Hit(number, "click", START + 43, CHROME, link=0) for number in range(early)]
    late = [Hit(9, "open", LATER - 20, CHROME), Hit(9, "click", LATER, CHROME, link=0),
            Hit(9, "open", LATER + 600, CHROME), Hit(9, "click", LATER + 660, CHROME, link=0)]  # fmt: skip
    store(staged, delivered(10) + hits + late)
    staged.classify()
    scanner = ("machine", "guarded-domain") if late_scan else ("human", "")
    assert classes(staged)[early:] == classes(staged, "opened") == [scanner, ("human", "")]
    assert staged.report()["clicked"].numerator == 1
    assert_recounted(staged)


def test_at_a_guarded_domain_no_early_hit_is_a_person_s_and_every_later_one_is(database: Database) -> None:
    staged = offices(database, 6, 6)
    early = [Hit(person, "click", START + 30, CHROME, link=0) for person in range(3)]
    others = [Hit(4, "open", START + 60, CHROME), Hit(4, "open", LATER, CHROME), Hit(1, "click", LATER, CHROME, link=2),
              Hit(8, "open", START + 60, CHROME), Hit(8, "click", START + 70, CHROME, link=1)]  # fmt: skip
    store(staged, delivered(12) + early + others)
    staged.classify()
    assert classes(staged, "opened") == [("machine", "guarded-domain"), ("human", ""), ("human", "")]
    figures = staged.report().figures
    assert (figures["clicked"].numerator, figures["clicked_machine"].numerator) == (2, 2)
    assert figures["seen_reading"].numerator == 3


def test_a_scanner_s_pixel_goes_with_its_burst_and_the_reader_s_stays(database: Database) -> None:
    staged = offices(database, 1)
    pixel = [Hit(0, "open", LATER - 40, CHROME), Hit(0, "open", LATER + 600, CHROME)]
    store(staged, delivered(1) + pixel + clicks(0, 6, gap=0.2) + [Hit(0, "click", LATER + 700, CHROME, link=1)])
    assert staged.classify() == 7
    assert [open_class for open_class, _ in classes(staged, "opened")] == ["machine", "human"]
    assert staged.report()["clicked"].numerator == 1
    assert [link.clicks.numerator for link in staged.report().links] == [0, 1, 0, 0, 0, 0]
    assert_recounted(staged)


def test_a_mail_without_a_reported_delivery_was_there_when_its_request_ended(database: Database) -> None:
    staged = offices(database, 2)
    store(staged, clicks(0, 6, begin=START + 10, gap=20) + clicks(1, 6, begin=START + 400, gap=20))
    staged.classify()
    assert {rules for _, rules in classes(staged)} == {"most-links", ""}


def test_hits_are_classified_again_when_more_come_and_when_the_rules_change(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = offices(database, 1)
    hits = clicks(0, 4, gap=0.5)
    store(staged, delivered(1) + hits[:3])
    classify_due(database, rest=0)
    assert not any(rules for _, rules in classes(staged))
    store(staged, hits[3:])
    assert any("not been compared" in note for note in staged.report().notes)
    classify_due(database, rest=0)
    assert {rules for _, rules in classes(staged)} == {"burst"}
    assert not any("not been compared" in note for note in staged.report().notes)
    assert classify_due(database, rest=0) == ""
    monkeypatch.setattr("sender.events.classify.RULE_SET", RULE_SET + 1)
    monkeypatch.setattr("reports.tallies.RULE_SET", RULE_SET + 1)
    monkeypatch.setattr(reader_rules, "BURST_LINKS", 5)
    classify_due(database, rest=0)
    assert not any(rules for _, rules in classes(staged))
    report = staged.report()
    assert report.rule_set == RULE_SET + 1
    assert any("The rules changed" in note and f"before by {RULE_SET}" in note for note in report.notes)
    assert_recounted(staged)


def test_old_hits_keep_what_the_provider_and_head_said(database: Database) -> None:
    staged = offices(database, 4)
    programs = [("Anything", "sendgrid"), ("Mozilla/5.0", "sendgrid"), ("Anything", "own"), ("curl/8.1", "own")]
    store(staged, delivered(4) + [Hit(person, "open", LATER, program) for person, (program, _) in enumerate(programs)])
    with database.engine.begin() as connection:
        # As rule set 1 wrote them.
        for person, (_, source) in enumerate(programs):
            open_class = "human" if person == 3 else "machine"
            connection.execute(
                text("UPDATE events SET rules = '', open_class = :class, source = :source "
                     "WHERE kind = 'opened' AND delivery_id = :id"),
                {"class": open_class, "source": source, "id": staged.first + person},
            )  # fmt: skip
    correct_rollups(database.engine, [staged.campaign_id])
    staged.classify()
    assert [rules for _, rules in classes(staged, "opened")] == [
        "provider-flag", "apple-prefetch", "head", "named-program",
    ]  # fmt: skip
    assert {open_class for open_class, _ in classes(staged, "opened")} == {"machine"}
    assert staged.classify() == 0
    assert_recounted(staged)


@pytest.mark.parametrize("seed", range(3))
def test_a_machine_and_a_person_in_one_second_are_two_in_any_order(database: Database, seed: int) -> None:
    staged = offices(database, 1)
    told = [*delivered(1), Hit(0, "open", LATER, "Mozilla/5.0", flagged=True), Hit(0, "open", LATER, CHROME),
            Hit(0, "open", LATER, CHROME, flagged=True)]  # fmt: skip
    report_by_webhook(staged, random.Random(seed).sample(told * 2, len(told) * 2))
    assert sorted(classes(staged, "opened")) == [
        ("human", ""), ("machine", "provider-flag"), ("machine", "provider-flag apple-prefetch"),
    ]  # fmt: skip


def test_an_event_stored_under_its_old_key_is_not_counted_twice(database: Database) -> None:
    staged = offices(database, 1)
    hits = [*delivered(1), Hit(0, "open", LATER, "Mozilla/5.0", flagged=True)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(webhook_jobs, "to_events", _with_old_keys)
        report_by_webhook(staged, hits)
    assert len(classes(staged, "opened")) == 1
    # Told again in another body, and with the person whom the old key had swallowed.
    report_by_webhook(staged, [*hits, Hit(0, "open", LATER, CHROME)])
    report_by_webhook(staged, [Hit(0, "open", LATER, CHROME), *hits])
    assert [open_class for open_class, _ in classes(staged, "opened")] == ["machine", "human"]
    assert_recounted(staged)


def test_one_campaign_that_fails_does_not_stop_the_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    staged, broken = offices(database, 1), offices(database, 1)
    for each in (staged, broken):
        store(each, delivered(1) + clicks(0, 4, gap=0.5))
    find = classify.find_changes

    def fail(connection: Connection, campaign_id: int) -> int:
        if campaign_id == broken.campaign_id:
            raise ZeroDivisionError
        return find(connection, campaign_id)

    monkeypatch.setattr(classify, "find_changes", fail)
    with pytest.raises(StateError, match="1 campaigns"):
        classify.classify_due(database, rest=0)
    assert staged.report()["clicked"].numerator == 0
    assert any("not been compared" in note for note in broken.report().notes)


def _with_old_keys(*arguments: Any) -> list[IncomingEvent]:
    """Read events as before their keys had the program."""
    events = to_events(*arguments)
    for event in events:
        event.natural_key, event.old_key = event.old_key or event.natural_key, ""
    return events


def test_what_an_interrupted_classification_did_equals_a_recount_and_the_next_does_the_rest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = offices(database, *(1,) * 9)
    store(staged, delivered(9) + [hit for person in range(9) for hit in clicks(person, 4, gap=0.5)])
    monkeypatch.setattr(classify, "PEOPLE_AT_ONCE", 2)
    move, moved = classify.move_rollups, []

    def interrupted(connection: Connection, part: int) -> int:
        if part == 3:
            # As a killed process leaves it: in the middle of a part.
            move(connection, part)
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        moved.append(part)
        return move(connection, part)

    with monkeypatch.context() as patched:
        patched.setattr(classify, "move_rollups", interrupted)
        with pytest.raises(OperationalError):
            staged.classify()
    assert sum(rules == "burst" for _, rules in classes(staged)) == 3 * 2 * 4
    assert_recounted(staged)
    assert staged.report()["clicked"].numerator == 3
    assert any("not been compared" in note for note in staged.report().notes)
    assert staged.classify() == 3 * 4
    assert staged.report()["clicked"].numerator == 0
    assert_recounted(staged)


def test_hits_that_come_in_meanwhile_are_counted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = offices(database, *(1,) * 12)
    monkeypatch.setattr(classify, "PEOPLE_AT_ONCE", 1)
    store(staged, delivered(12))
    rounds = [
        [hit for person in range(12) for hit in clicks(person, 4, begin=LATER + 100 * number, gap=0.4)]
        for number in range(6)
    ]
    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(store, staged, hits) for hits in rounds]
        work += [pool.submit(staged.classify) for _ in range(6)]
        for each in work:
            each.result()
    classify_due(database, rest=0)
    assert {rules for _, rules in classes(staged)} == {"burst"}
    assert_recounted(staged)


def test_people_whose_links_only_a_scanner_followed_have_not_clicked(database: Database) -> None:
    campaign = sent(database, people=4)
    link = {"url": "https://campaign.example/toolkit?a=1&b=2", "useragent": CHROME}
    with database.engine.begin() as connection:
        now = datetime.now(UTC)
        told = [campaign.event("delivered", number) for number in range(4)]
        told += [campaign.event("click", 0, at=9_000, **link), campaign.event("click", 1, at=9_000, **link)]
        told += [campaign.event("click", 2, at=9_000, **{**link, "useragent": "Barracuda Sentinel (EE)"})]
        ingest(connection, to_events(told, campaign.keys, now), now)
        connection.execute(
            update(Event).where(Event.delivery_id == campaign.deliveries[1], Event.kind == "clicked")
            .values(open_class="machine", rules="head")
        )  # fmt: skip
    correct_rollups(database.engine, [campaign.campaign_id])
    with database.engine.begin() as connection:
        follow_up = replace(
            find_campaign(connection, campaign.campaign_id), of_campaign_id=campaign.campaign_id, of_whom="no-click"
        )
        audience = audience_of(connection, follow_up).mailable(Member.id)
        assert sorted(connection.scalars(audience)) == campaign.members[1:]
        # A scanner's click is no sign that a mailbox exists, a person's is.
        rows = connection.execute(select(Rollup.delivery_id, Rollup.first_click_at).order_by(Rollup.delivery_id))
        assert [row.first_click_at is not None for row in rows] == [True, False, False, False]
