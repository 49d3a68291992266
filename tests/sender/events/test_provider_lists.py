"""What the webhook missed is found in SendGrid's lists, and who bounces softly again and again is suppressed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from daisychain import database as frame
from daisychain.database import Database
from daisychain.jobs import Workers
from lists.suppression import suppress
from lists.tables import Suppression
from sender.event import IncomingEvent, Kind, digest
from sender.events.flagged import ENTRY, count_flagged
from sender.events.intake import ingest
from sender.events.provider_lists import suppress_soft_bouncers
from sender.tables import Chore
from sender.upkeep import chores
from tests.fakes.sendgrid import FakeSendGrid
from tests.sender.returns import Sent, resent, sent

NAME = "provider lists"


@pytest.fixture
def fake(database: Database) -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        database.settings = replace(database.settings, sendgrid_api_key=fake.key, sendgrid_api_host=fake.url)
        with database.engine.begin() as connection:
            chores.defer_due_chores(connection, database.settings)
        yield fake


def entry(address: str, **fields: Any) -> dict[str, Any]:
    return {"created": int(time.time()), "email": address, "reason": "550 no such user", **fields}


def suppressed(database: Database) -> dict[str, str]:
    """Return the suppressions: address → reason."""
    with database.engine.connect() as connection:
        rows = connection.execute(select(Suppression.address_key, Suppression.reason))
        return {row.address_key: row.reason for row in rows}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bounces", "hard bounce"),
        ("invalid_emails", "hard bounce"),
        ("spam_reports", "complaint"),
        ("unsubscribes", "unsubscribed at sendgrid"),
        ("blocks", None),
    ],
)
def test_whom_each_list_holds_is_suppressed_save_for_blocks(
    database: Database, fake: FakeSendGrid, name: str, reason: str | None
) -> None:
    fake.lists[name] = [entry("Gone@People.Example"), entry("no address")]
    chores.run_chore(database, NAME)
    assert suppressed(database) == ({"gone@people.example": reason} if reason else {})


def test_a_bounce_that_the_webhook_missed_becomes_an_event_of_the_mail_it_is_about(
    database: Database, fake: FakeSendGrid
) -> None:
    campaign = sent(database)
    fake.lists["bounces"] = [entry(campaign.address())]
    chores.run_chore(database, NAME)
    chores.run_chore(database, NAME)
    assert campaign.rollup().hard_bounced_at is not None
    assert [(each.kind, each.detail["list"]) for each in campaign.events()] == [("bounced", "bounce")]


def test_who_is_suppressed_already_is_no_news(database: Database, fake: FakeSendGrid) -> None:
    campaign = sent(database)
    with database.engine.begin() as connection:
        suppress(connection, campaign.address(), "asked by phone")
    fake.lists["bounces"] = [entry(campaign.address())]
    assert chores.run_chore(database, NAME) == "1 listed, 0 blocks, 0 new"
    assert suppressed(database) == {campaign.address(): "asked by phone"}
    assert campaign.events() == []


def test_entries_that_can_not_be_read_are_flagged_and_the_others_count(database: Database, fake: FakeSendGrid) -> None:
    odd = [entry("no address"), entry(""), entry("gone@people.example") | {"email": None}]
    fake.lists["bounces"] = [*odd, entry("dead@people.example")]
    assert chores.run_chore(database, NAME) == "4 listed, 0 blocks, 1 new, 3 can't be read"
    assert set(suppressed(database)) == {"dead@people.example"}
    with database.engine.connect() as connection:
        assert count_flagged(connection) == {ENTRY: 2}  # two are the same


def test_long_lists_come_page_by_page(database: Database, fake: FakeSendGrid) -> None:
    fake.lists["unsubscribes"] = [entry(f"person{number}@people.example") for number in range(1_000)]
    fake.lists["blocks"] = [entry("b@people.example")]
    assert chores.run_chore(database, NAME) == "1001 listed, 1 blocks, 1000 new"
    assert fake.asked.count("/v3/suppression/unsubscribes") == 3


def test_the_next_pull_begins_an_hour_before_the_last_one_ended(database: Database, fake: FakeSendGrid) -> None:
    fake.lists["bounces"] = [entry("old@people.example", created=1)]
    chores.run_chore(database, NAME)
    fake.lists["bounces"] += [
        entry("late@people.example", created=int(time.time()) - 1_800),
        entry("before@people.example", created=int(time.time()) - 7_200),
    ]
    chores.run_chore(database, NAME)
    assert set(suppressed(database)) == {"old@people.example", "late@people.example"}


def test_a_pull_that_fails_halfway_leaves_nothing_and_is_tried_again_within_the_hour(
    database: Database, fake: FakeSendGrid
) -> None:
    fake.lists["bounces"] = [entry("gone@people.example")]
    fake.refusing["/v3/suppression/spam_reports"] = 403
    assert chores.run_chore(database, NAME).startswith("failed: SendGrid answered 403 to /v3/suppression/spam_reports")
    assert suppressed(database) == {}
    with database.engine.connect() as connection:
        chore = connection.execute(select(Chore.__table__).where(Chore.name == NAME)).one()
    assert chore.since is None
    assert chore.due_at <= datetime.now(UTC) + timedelta(hours=1)


def tell(campaign: Sent, kind: Kind, days_ago: float, **fields: Any) -> None:
    """Make an event in the past about person 0's mail of a campaign."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    told = IncomingEvent(
        source="sendgrid", kind=kind, at=at, natural_key=digest(campaign.campaign_id, kind, at),
        delivery_id=campaign.deliveries[0], keyed=True, **fields,
    )  # fmt: skip
    with campaign.database.engine.begin() as connection:
        ingest(connection, [told], at)


@pytest.mark.parametrize(
    ("bounced", "others", "expected"),
    [
        ([40, 30, 20, 10, 1], [], True),
        ([40, 30, 20, 10], [], False),
        ([20, 15, 10, 5, 1], [], False),
        ([400, 390, 380, 370, 1], [], False),
        ([40, 30, 20, 10, 1], [("delivered", 2, 19)], False),
        ([40, 30, 20, 10, 1], [("opened", 4, 0.5)], False),
        ([40, 30, 20, 10, 1], [("delivered", 5, 50)], True),
        ([40, 30, 20, 10, 1], [("delivered", 5, 25)], False),
    ],
)
def test_five_soft_bounces_over_a_month_with_nothing_through_suppress(
    database: Database, bounced: list[float], others: list[tuple[Kind, int, float]], expected: bool
) -> None:
    """`others` are more events: kind, number of the campaign, days ago."""
    first = sent(database, people=2)
    with database.engine.begin() as connection:
        campaigns = [first, *(resent(database, connection, first.list_id, first.members) for _ in range(5))]
    for campaign, days_ago in zip(campaigns, bounced, strict=False):
        tell(campaign, "bounced", days_ago, bounce="soft")
        tell(campaign, "bounced", days_ago - 0.1, bounce="soft")
    for kind, number, days_ago in others:
        tell(campaigns[number], kind, days_ago, open_class="human" if kind == "opened" else "")
    with database.engine.begin() as connection:
        assert suppress_soft_bouncers(connection) == int(expected)
    assert suppressed(database) == ({first.address(): "soft bounces"} if expected else {})


def test_what_is_the_senders_own_fault_is_not_held_against_a_mailbox(database: Database) -> None:
    first = sent(database)
    with database.engine.begin() as connection:
        campaigns = [first, *(resent(database, connection, first.list_id, first.members) for _ in range(4))]
    for campaign, days_ago in zip(campaigns, [40, 30, 20, 10, 1], strict=True):
        tell(campaign, "bounced", days_ago, bounce="soft", detail={"bounce_classification": "Reputation"})
    with database.engine.begin() as connection:
        assert suppress_soft_bouncers(connection) == 0


def test_a_chore_is_deferred_once_when_it_is_due(database: Database) -> None:
    everything = replace(database.settings, sendgrid_api_key="SG.x", imap_url="imap://127.0.0.1/INBOX")
    with database.engine.begin() as connection:
        assert chores.defer_due_chores(connection, everything) == sorted(chores.CHORES)
        assert chores.defer_due_chores(connection, everything) == []
        connection.execute(update(Chore).where(Chore.name == NAME).values(due_at=func.now()))
    with database.engine.begin() as connection, database.engine.begin() as other:
        assert chores.defer_due_chores(connection, everything) == [NAME]
        assert chores.defer_due_chores(other, everything) == []  # locked: it is being deferred
        connection.commit()
        assert chores.defer_due_chores(other, everything) == []


def test_a_worker_does_what_is_due_and_keeps_what_came_of_it(database: Database) -> None:
    with database.engine.begin() as connection:
        chores.defer_due_chores(connection, database.settings)
    with Workers(database, queues=[chores.QUEUE], until_idle=True) as workers:
        workers.wait()
    with database.engine.connect() as connection:
        results = {row.name: row.result for row in connection.execute(select(Chore.__table__)) if row.ended_at}
    assert results.keys() == chores.CHORES.keys() - chores.NEEDS.keys()  # nothing of those is set up here
    assert (results["alerts"], results["old bodies"]) == ("", "0 deleted")


def test_without_a_provider_that_keeps_lists_nothing_is_asked(database: Database) -> None:
    assert chores.run_chore(database, NAME) == "no provider that keeps lists is set up"


def test_an_entry_whose_person_somebody_else_is_changing_is_taken_in_the_next_time(
    database: Database, fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "LOCK_BRIEF", "50ms")
    campaign = sent(database)
    fake.lists["bounces"] = [entry(campaign.address())]
    with database.engine.connect() as other, other.begin() as theirs:
        suppress(other, campaign.address(), "an import")
        assert "is changing the same people" in chores.run_chore(database, NAME)
        theirs.rollback()
    assert not suppressed(database)
    with database.engine.connect() as connection:
        assert not count_flagged(connection)
    chores.run_chore(database, NAME)
    assert suppressed(database)
