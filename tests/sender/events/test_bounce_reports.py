"""Bounces that come back by mail are told apart, joined to the mail that they are about, and followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError, ProviderError
from lists.tables import Membership, Suppression
from sender.event import IncomingEvent
from sender.events.bounce_mailbox import read_mailbox
from sender.events.bounce_reports import read_bounce, severity
from sender.links.keys import KeyKind, Keys
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.return_paths import ReturnPaths
from sender.tables import Campaign, Flagged
from sender.upkeep import chores
from tests.fakes.imap import FakeMailbox
from tests.sender.reports import COMPLAINT, REPORTS, standard, words
from tests.sender.returns import Sent, sent

from daisychain.settings import Settings  # isort: skip

SECRET = "a secret for tests, and long enough"
KEYS = Keys(SECRET)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path_factory: pytest.TempPathFactory) -> ReturnPaths:
    return ReturnPaths(Settings(home=tmp_path_factory.getbasetemp(), secret_key=SECRET))


def filled(report: str, delivery_id: int = 7, keys: Keys = KEYS, person: int = 0) -> bytes:
    """Return the bytes of a report about a delivery, to one of the people of `sent`."""
    text = (
        report.replace("person0@", f"person{person}@")
        .replace("{returned}", keys.returns([delivery_id])[0])
        .replace("{delivery}", keys.make(KeyKind.HEADER, [delivery_id])[0])
    )
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("name", REPORTS)
def test_each_shape_of_report_is_read(paths: ReturnPaths, name: str) -> None:
    report, expected = REPORTS[name]
    found = read_bounce(filled(report), KEYS, paths, NOW)
    assert told(found) == expected
    if found:
        assert (found.delivery_id, found.at) == (7, datetime(2026, 11, 2, 10, tzinfo=UTC))
        assert "person0@" not in str(found.detail)


def told(found: IncomingEvent | None) -> tuple[str, str, str] | None:
    return (found.kind, found.bounce, str(found.detail.get("status", ""))) if found else None


@pytest.mark.parametrize("change", ["upper case", "only our header is left", "delivered to, not to"])
def test_the_key_is_found_wherever_it_is_left(paths: ReturnPaths, change: str) -> None:
    key, raw = KEYS.returns([7])[0].encode(), filled(standard("5.1.1", "550 no"))
    if change == "upper case":
        raw = raw.replace(key, key.upper())
    elif change == "only our header is left":
        raw = raw.replace(b"bounce+" + key, b"bounce")
    else:
        raw = raw.replace(b"To: bounce+" + key, b"Delivered-To: bounce+" + key, 1)
    found = read_bounce(raw, KEYS, paths, NOW)
    assert found is not None
    assert found.delivery_id == 7


def test_a_report_about_a_mail_of_another_installation_is_none_of_ours(paths: ReturnPaths) -> None:
    raw = filled(standard("5.1.1", "550 no"), keys=Keys("another secret, which is as long"))
    assert read_bounce(raw, KEYS, paths, NOW) is None


def test_a_report_told_twice_is_one_and_one_from_the_future_is_from_now(paths: ReturnPaths) -> None:
    raw = filled(standard("5.1.1", "550 no"))
    later = raw.replace(b"Nov 2026", b"Nov 2036")
    first, again = read_bounce(raw, KEYS, paths, NOW), read_bounce(later, KEYS, paths, NOW)
    assert first
    assert again
    assert (first.natural_key, again.at) == (again.natural_key, NOW)


@pytest.mark.parametrize("status", ["5.1.0", "5.7.1", "5.2.2", "5.3.4", "5.4.14", "5.11.1", "4.1.1", ""])
def test_only_what_says_that_nobody_is_there_is_for_good(status: str) -> None:
    assert severity(status, "policy") == "soft"


@pytest.fixture
def campaign(database: Database) -> Sent:
    return sent(database, provider="smtp")


@pytest.fixture
def mailbox(campaign: Sent, database: Database) -> Iterator[FakeMailbox]:
    ids, keys = campaign.deliveries, campaign.keys
    mails = [
        filled(standard("5.1.1", "550 5.1.1 person0@people.example is unknown"), ids[0], keys),
        filled(standard("5.2.2", "552 5.2.2 full"), ids[1], keys, 1),
        filled(words("Thank you!", sender="ann@people.example"), ids[1], keys),
        filled(COMPLAINT, ids[2], keys, 2),
    ]
    with FakeMailbox(*mails) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        yield mailbox


def suppressed(database: Database) -> dict[str, str]:
    with database.engine.connect() as connection:
        rows = connection.execute(select(Suppression.address_key, Suppression.reason)).all()
    return {row.address_key: row.reason for row in rows}


def test_the_mailbox_is_read_into_events_and_suppressions_once(
    mailbox: FakeMailbox, campaign: Sent, database: Database
) -> None:
    assert read_mailbox(database) == {"hard": 1, "soft": 1, "complained": 1, "other": 1, "new": 3}
    assert mailbox.flags == [{"\\Seen"}, {"\\Seen"}, {"\\Seen", "\\Flagged"}, {"\\Seen"}]
    assert [campaign.rollup(number).hard_bounced_at is not None for number in range(3)] == [True, False, False]
    assert campaign.rollup(1).soft_bounced_at
    assert campaign.rollup(2).complained_at
    people = {"person0@people.example": "hard bounce", "person2@people.example": "complaint"}
    assert suppressed(database) == people
    assert not any(read_mailbox(database).values())
    mailbox.flags[0].clear()  # as if we had died before it was marked
    assert read_mailbox(database) == {"hard": 1}
    assert len(campaign.events()) == 3


@pytest.mark.parametrize("kind", [KeyKind.HEADER, KeyKind.ANY])
def test_a_complaint_with_only_our_header_s_key_ends_the_membership_and_needs_a_person(
    campaign: Sent, database: Database, kind: KeyKind
) -> None:
    returned, header = campaign.keys.returns([campaign.deliveries[2]])[0], campaign.key(2)
    raw = filled(COMPLAINT, campaign.deliveries[2], campaign.keys, 2)
    raw = raw.replace(returned.encode(), b"x").replace(header.encode(), campaign.key(2, kind).encode())
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(one_key=kind is KeyKind.ANY))
    with FakeMailbox(raw) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        assert read_mailbox(database) == {"unsubscribed": 1, "new": 1}
        assert mailbox.flags == [{"\\Seen", "\\Flagged"}]
    assert suppressed(database) == {}
    assert (campaign.rollup(2).complained_at, campaign.rollup(2).unsubscribed_at is not None) == (None, True)
    with database.engine.connect() as connection:
        state = select(Membership.state).where(Membership.member_id == campaign.members[2])
        assert connection.scalar(state) == "unsubscribed"
        assert "reported as spam" in str(connection.scalar(select(Flagged.reason)))


def test_a_bounce_with_a_kind_of_key_that_its_mail_never_had_touches_nobody(campaign: Sent, database: Database) -> None:
    returned, header = campaign.keys.returns([campaign.deliveries[0]])[0], campaign.key(0)
    raw = filled(REPORTS["Postfix: user unknown"][0], campaign.deliveries[0], campaign.keys)
    raw = raw.replace(returned.encode(), b"x").replace(header.encode(), campaign.key(0, KeyKind.ANY).encode())
    with FakeMailbox(raw) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        assert read_mailbox(database)["new"] == 1
    assert suppressed(database) == {}
    assert [event.delivery_id for event in campaign.events()] == [None]
    with database.engine.connect() as connection:
        assert set(connection.scalars(select(Membership.state))) == {"subscribed"}


def test_a_complaint_with_another_purpose_s_key_is_none_of_ours(paths: ReturnPaths) -> None:
    raw = filled(COMPLAINT.replace("bounce+{returned}", "bounce"))
    for kind in set(KeyKind) - {KeyKind.HEADER, KeyKind.ANY}:
        [header], [other] = KEYS.make(KeyKind.HEADER, [7]), KEYS.make(kind, [7])
        assert read_bounce(raw.replace(header.encode(), other.encode()), KEYS, paths, NOW) is None


def test_a_worker_reads_it_by_itself(mailbox: FakeMailbox, database: Database) -> None:
    assert "1 hard" in chores.run_chore(database, "bounce mailbox")
    database.settings = replace(database.settings, imap_url="")
    assert chores.run_chore(database, "bounce mailbox") == "no mailbox for bounces is set up"


def test_a_mailbox_that_lets_nobody_in_is_named_without_the_password(mailbox: FakeMailbox, database: Database) -> None:
    mailbox.password = "changed"
    with pytest.raises(ProviderError, match="can't be read") as caught:
        read_mailbox(database)
    assert "secret" not in str(caught.value)


def test_urls_of_mailboxes() -> None:
    assert parse_url("IMAP", "imaps://b%40x:p%3A@mail.org") == MailServer("mail.org", 993, "tls", "b@x", "p:", "INBOX")
    assert parse_url("IMAP", "imap://b:p@localhost:1143/News%20bounces").folder == "News bounces"


@pytest.mark.parametrize(
    "url", ["mail.org", "imaps://mail.org", "imaps://u@mail.org", "http://u:secret@mail.org", 'imaps://u:secret@m/a"b']
)
def test_what_is_no_url_of_a_mailbox_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="IMAP_URL is not a valid IMAP URL") as caught:
        parse_url("IMAP", url)
    assert "secret" not in str(caught.value)


def test_a_password_goes_nowhere_in_the_clear(database: Database) -> None:
    database.settings = replace(database.settings, imap_url="imap://u:secret@mail.daisies.org")
    with pytest.raises(ConfigurationError, match="without encryption"):
        read_mailbox(database)
