"""Somebody is told, by a real relay and a real web server, once for each cause."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from sqlalchemy import func, insert, select, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError
from sender.alerts import conditions, notify
from sender.alerts.channels import channels
from sender.delivery import confirmed_places
from sender.tables import Alert, Attempt, Batch, Campaign, MailboxRollup, SystemMail, WebhookBody
from sender.upkeep.sweep import sweep
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.smtp import FakeRelay
from tests.sender.returns import Sent, sent
from tests.sender.staging import staged
from tests.waiting import until

HOUR = timedelta(hours=1)
TO = "staff@coalition.example"


def ago(hours: int) -> datetime:
    """Return the time so many hours before this test (not before the run)."""
    return datetime.now(UTC) - hours * HOUR


@dataclass
class Room:
    """A chat room's webhook: what it received, and what it answers."""

    url: str
    said: list[dict[str, Any]]
    status: int = 200


@pytest.fixture
def room() -> Iterator[Room]:
    """Start a web server on loopback that records the posts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if room.status == 200:
                room.said.append(said)
            self.send_response(room.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        room = Room(f"http://127.0.0.1:{server.server_port}/hooks/a-secret", [])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield room
        server.shutdown()


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    """Start a relay that is not used for members' mail."""
    with FakeRelay() as relay:
        yield relay


def change(database: Database, table: Any, *where: Any, **values: Any) -> None:
    """Set columns of the matching rows."""
    with database.engine.begin() as connection:
        connection.execute(update(table).where(*where).values(**values))


def keys(database: Database, **settings: Any) -> list[str]:
    """Return the active conditions, by the first word of their keys."""
    with database.engine.begin() as connection:
        found = conditions.active_conditions(connection, replace(database.settings, **settings), datetime.now(UTC))
        return [cause.key.split()[0] for cause in found]


def told(database: Database, **settings: Any) -> str:
    """Check and notify once, with these settings."""
    database.settings = replace(database.settings, **settings)
    return notify.check_and_notify(database)


def paused(database: Database, reason: str = "SendGrid answered 401: no such key") -> Sent:
    """Make a campaign that was paused because the provider refused the account."""
    campaign = sent(database)
    change(database, Campaign, state="paused", pause_reason=reason)
    return campaign


def uncertain(database: Database, at: datetime) -> None:
    """Make a batch that has been uncertain since then."""
    sent(database, outcome="uncertain")
    change(database, Batch, state="uncertain")
    change(database, Attempt, ended_at=at)


def scheduled(database: Database, at: datetime) -> None:
    """Make a campaign scheduled for then."""
    staged(database, 2)
    change(database, Campaign, state="scheduled", starts_at=at)


def taken(database: Database, at: datetime, heard: datetime | None = None) -> None:
    """Make mail that SendGrid accepted then, and its last webhook body."""
    sent(database)
    change(database, Attempt, ended_at=at)
    if heard:
        with database.engine.begin() as connection:
            connection.execute(
                insert(WebhookBody).values(
                    provider="sendgrid", received_at=heard, processed_at=heard, body=b"[]", digest=b"1"
                )
            )


def kept(database: Database, at: datetime, *, done: bool) -> None:
    """Make a webhook body that came then, processed or not."""
    with database.engine.begin() as connection:
        processed = func.now() if done else None
        row = {"provider": "sendgrid", "received_at": at, "body": b"[]", "digest": b"1", "processed_at": processed}
        connection.execute(insert(WebhookBody).values(row))


def complaints(database: Database, count: int, of: int) -> None:
    """Make a campaign in which so many of so many people complained."""
    campaign = sent(database, frozen_at=ago(1))
    change(database, Attempt, accepted=of)
    row = {"campaign_id": campaign.campaign_id, "mailbox": "Google", "fact": "complained", "people": count, "events": 9}
    with database.engine.begin() as connection:
        connection.execute(insert(MailboxRollup).values(row))


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (lambda d: sent(d), []),
        (lambda d: paused(d), ["paused"]),
        (lambda d: paused(d, "paused by Ann: a typo"), []),
        (lambda d: uncertain(d, ago(1)), ["uncertain"]),
        (lambda d: uncertain(d, ago(0)), []),
        (lambda d: scheduled(d, ago(1)), ["overdue"]),
        (lambda d: scheduled(d, ago(-1)), []),
        (lambda d: taken(d, ago(2)), ["silent"]),
        (lambda d: taken(d, ago(2), heard=ago(3)), ["silent"]),
        (lambda d: taken(d, ago(2), heard=ago(1)), []),
        (lambda d: taken(d, ago(0)), []),
        (lambda d: kept(d, ago(1), done=False), ["webhook"]),
        (lambda d: kept(d, ago(0), done=False), []),
        (lambda d: kept(d, ago(1), done=True), []),
        (lambda d: complaints(d, 3, 1000), ["complaints"]),
        (lambda d: complaints(d, 3, 3000), []),
        (lambda d: complaints(d, 2, 100), []),
    ],
    ids=[
        "all well", "paused by a refusal", "paused by a person", "uncertain", "just uncertain", "overdue", "not due",
        "webhook never heard", "webhook gone silent", "webhook heard since", "taken just now", "body waits",
        "body just came", "body taken in", "complaints", "few complaints", "two complaints",
    ],
)  # fmt: skip
def test_what_a_person_should_know_is_seen_and_what_is_well_is_not(
    database: Database, stage: Any, expected: list[str]
) -> None:
    stage(database)
    assert keys(database, sendgrid_webhook_keys=("k",)) == expected


def test_a_webhook_that_was_never_set_up_is_not_called_silent(database: Database) -> None:
    taken(database, ago(2))
    assert keys(database) == []


def test_a_disk_with_hardly_any_room_is_seen_and_another_machines_disk_is_left_to_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "FEWEST_BYTES", 1 << 60)
    assert keys(database) == ["disk"]
    with database.engine.begin() as connection:
        connection.execute(insert(Alert).values(cause="disk elsewhere /srv", subject="", words=""))
        notify.update_alerts(connection, database.settings)
    monkeypatch.setattr(conditions, "FEWEST_BYTES", 0)
    with database.engine.begin() as connection:
        notify.update_alerts(connection, database.settings)
        assert connection.scalars(select(Alert.cause).where(Alert.over_at.is_(None))).all() == ["disk elsewhere /srv"]


def test_it_is_told_by_mail_and_by_webhook_once(database: Database, relay: FakeRelay, room: Room) -> None:
    campaign = paused(database)
    assert told(database, alert_to=f"{TO}, {room.url}", alert_smtp_url=relay.url) == "1 of 1 sent"
    assert told(database) == ""
    ((address, mail),) = relay.mails()
    assert address == TO
    assert mail["Subject"] == f"Daisychain: Campaign {campaign.campaign_id} is paused: it needs a person"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "SendGrid answered 401" in mail.get_content()
    (said,) = room.said
    assert "is paused" in said["text"]
    assert campaign.address() not in f"{said}{mail}"


def test_credits_that_are_used_up_are_said_to_be(database: Database, room: Room) -> None:
    paused(database, "SendGrid answered 401: Maximum credits exceeded")
    told(database, alert_to=room.url)
    assert room.said[0]["subject"].endswith("sendgrid's credits are used up")


def test_a_cause_that_comes_back_is_told_again(database: Database, room: Room) -> None:
    paused(database)
    told(database, alert_to=room.url)
    change(database, Campaign, state="sending", pause_reason="")
    told(database)
    change(database, Campaign, state="paused", pause_reason="SendGrid answered 401: no such key")
    told(database)
    assert len(room.said) == 2


def test_what_could_not_be_told_is_tried_again_later(database: Database, room: Room) -> None:
    paused(database)
    room.status = 500
    assert told(database, alert_to=room.url) == "0 of 1 sent"
    assert told(database) == ""  # not before its pause is over
    room.status = 200
    change(database, Alert, due_at=func.now())
    assert told(database) == "1 of 1 sent"
    with database.engine.connect() as connection:
        alert = connection.execute(select(Alert.tries, Alert.problem)).one()
    assert alert.tries == 2
    assert "a-secret" not in alert.problem


@pytest.mark.parametrize("reply", ["550 not you", "451 later", "421 too busy"])
def test_a_relay_that_refuses_does_not_keep_the_webhook_from_being_told(
    database: Database, relay: FakeRelay, room: Room, reply: str
) -> None:
    paused(database)
    relay.script["RCPT", TO] = reply
    assert told(database, alert_to=f"{TO},{room.url}", smtp_url=relay.url) == "1 of 1 sent"
    assert len(room.said) == 1


def test_without_anybody_to_tell_it_is_written_down_and_told_as_soon_as_there_is(
    database: Database, room: Room
) -> None:
    paused(database)
    assert told(database) == ""
    assert told(database, alert_to=room.url) == "1 of 1 sent"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alert_to": TO}, "no SMTP relay"),
        ({"alert_to": "nobody"}, "neither an email address"),
        ({"alert_to": "https:///hook"}, "without a host"),
        ({"alert_to": "http://chat.your-charity.org/hook"}, "without encryption"),
        ({"alert_to": TO, "smtp_url": "smtp://relay.your-charity.org"}, "without encryption"),
    ],
)
def test_a_setting_by_which_nobody_could_be_told_is_refused(
    database: Database, changes: dict[str, str], words: str
) -> None:
    database.settings = replace(database.settings, **changes)
    with pytest.raises(ConfigurationError, match=words):
        channels(database)


def test_without_a_relay_an_alert_is_a_system_mail_through_the_provider(database: Database) -> None:
    paused(database)
    assert told(database, alert_to=TO, provider="sendgrid") == "1 of 1 sent"
    with database.engine.connect() as connection:
        mail = connection.execute(select(SystemMail.kind, SystemMail.address, SystemMail.subject)).one()
    assert mail[:2] == ("alert", TO)
    assert mail.subject.startswith("Daisychain: ")


def test_a_send_in_the_foreground_tells_its_end_by_itself(
    database: Database, daisychain: Daisychain, room: Room
) -> None:
    with FakeSendGrid(suspended=True) as fake:
        campaign_id = staged(database, 3, provider="sendgrid")
        sends = daisychain.with_settings(alert_to=room.url, sendgrid_api_key=fake.key, sendgrid_api_host=fake.url)
        sends("campaign", "send", str(campaign_id), "--yes", "--as-created", code=4)
    assert [said["subject"] for said in room.said] == [
        f"Campaign {campaign_id} is paused: sendgrid's credits are used up"
    ]


def test_while_something_is_sent_what_happens_is_told_beside_it(database: Database, room: Room) -> None:
    database.settings = replace(database.settings, alert_to=room.url)
    with notify.alerting(database, every=0.05):
        paused(database)
        until(lambda: room.said)
    assert len(room.said) == 1


def test_what_keeps_us_from_telling_is_logged_and_disturbs_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    paused(database)
    database.settings = replace(database.settings, alert_to="nobody")
    with notify.alerting(database, every=0.01):
        until(lambda: caplog.text.count("alerts could not be sent") > 1)


def test_the_sweep_has_it_done(database: Database) -> None:
    with database.engine.begin() as connection:
        confirmed_places.is_confirmed(connection, database.settings)
        sweep(connection, database.settings)
        jobs = connection.exec_driver_sql("SELECT args ->> 'name' FROM procrastinate_jobs").scalars().all()
    assert "alerts" in jobs
