"""Bounces that lie in a real IMAP server's mailbox: every shape of report, TLS, flags, and mails that come by LMTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from daisychain.database import Database
from daisychain.errors import ProviderError
from sender.events.bounce_mailbox import AT_ONCE, LONGEST, read_mailbox
from tests.sender.dovecot import Dovecot, dovecot
from tests.sender.events.test_bounce_reports import filled, suppressed
from tests.sender.reports import COMPLAINT, REPORTS, standard, words
from tests.sender.returns import Sent, sent

pytestmark = pytest.mark.slow


@pytest.fixture
def server(database: Database) -> Iterator[Dovecot]:
    with dovecot() as server:
        database.settings = replace(database.settings, imap_url=server.url())
        yield server


@pytest.fixture
def campaign(database: Database) -> Sent:
    return sent(database, people=len(REPORTS), provider="smtp")


def test_every_shape_of_report_is_read_once_and_marked(server: Dovecot, campaign: Sent, database: Database) -> None:
    expected: Counter[str] = Counter()
    for number, (report, told) in enumerate(REPORTS.values()):
        server.append(filled(report, campaign.deliveries[number], campaign.keys, number) or b"\r\n")
        expected[(told[1] or told[0]) if told else "other"] += 1
    expected["new"] = len(REPORTS) - expected["other"]
    assert read_mailbox(database, tls=server.trust) == expected
    flags = [{"\\Seen"} if told else {"\\Seen", "\\Flagged"} for _, told in REPORTS.values()]
    assert server.flags() == flags
    assert not any(read_mailbox(database, tls=server.trust).values())
    assert len(campaign.events()) == expected["new"]


def test_what_a_person_does_in_the_mailbox_meanwhile_is_left_as_it_is(
    server: Dovecot, campaign: Sent, database: Database
) -> None:
    for number in range(3):
        server.append(filled(standard("5.1.1", "550 5.1.1 no"), campaign.deliveries[number], campaign.keys, number))
    with server.opened() as connection:
        connection.store("1", "+FLAGS", r"(\Seen)")  # read by a person: not for us
        connection.store("2", "+FLAGS", r"(\Deleted)")
    assert read_mailbox(database, tls=server.trust) == {"hard": 1, "new": 1}
    assert server.flags() == [{"\\Seen"}, {"\\Deleted"}, {"\\Seen"}]


def test_more_than_one_round_of_mails_and_a_long_one_are_read(
    server: Dovecot, campaign: Sent, database: Database
) -> None:
    many = AT_ONCE + 7
    report = filled(standard("5.2.2", "552 5.2.2 full"), campaign.deliveries[0], campaign.keys)
    with server.opened() as connection:
        for number in range(many):
            connection.append("INBOX", "", "", report.replace(b"<report@", f"<report{number}@".encode()))
    long = filled(standard("5.1.1", "550 5.1.1 no"), campaign.deliveries[1], campaign.keys)
    server.append(long + (b"x" * 70 + b"\r\n") * (LONGEST // 50))
    assert read_mailbox(database, tls=server.trust) == {"soft": many, "hard": 1, "new": many + 1}
    assert suppressed(database) == {campaign.address(1): "hard bounce"}


def test_a_mail_that_comes_by_lmtp_to_an_address_with_a_key_is_matched_by_the_envelope_alone(
    server: Dovecot, campaign: Sent, database: Database
) -> None:
    if not server.has_lmtp:
        pytest.skip("this Dovecot has no LMTP")
    returned = campaign.keys.returns([campaign.deliveries[0]])[0]
    bare = words("550 5.1.1 <person0@people.example>: no such user here").replace("bounce+{returned}", "bounce")
    server.deliver(filled(bare, campaign.deliveries[0], campaign.keys), f"bounce+{returned}@daisies.org")
    server.deliver(filled(COMPLAINT, campaign.deliveries[1], campaign.keys), "bounce@daisies.org")
    assert read_mailbox(database, tls=server.trust) == {"hard": 1, "complained": 1, "new": 2}
    assert suppressed(database) == {campaign.address(0): "hard bounce", campaign.address(1): "complaint"}


def test_another_folder_and_no_encryption_on_loopback(server: Dovecot, campaign: Sent, database: Database) -> None:
    with server.opened() as connection:
        connection.create('"Returned mail"')
        mail = filled(standard("5.1.1", "550 5.1.1 no"), campaign.deliveries[0], campaign.keys)
        connection.append('"Returned mail"', "", "", mail)
    database.settings = replace(database.settings, imap_url=server.url(encrypted=False, folder="Returned mail"))
    assert read_mailbox(database) == {"hard": 1, "new": 1}
    database.settings = replace(database.settings, imap_url=server.url(encrypted=False, folder="Nowhere"))
    with pytest.raises(ProviderError, match="can't be read"):
        read_mailbox(database)


def test_a_wrong_password_and_a_certificate_that_nobody_vouches_for_are_told(
    server: Dovecot, campaign: Sent, database: Database
) -> None:
    with pytest.raises(ProviderError, match=r"(?i)certificate"):
        read_mailbox(database)
    database.settings = replace(database.settings, imap_url=server.url().replace("correct", "wrong"))
    with pytest.raises(ProviderError, match=r"can't be read: \[AUTHENTICATIONFAILED\]") as caught:
        read_mailbox(database, tls=server.trust)
    assert "horse" not in str(caught.value)


def test_a_password_that_is_not_ascii_opens_the_mailbox_too(
    server: Dovecot, campaign: Sent, database: Database
) -> None:
    server.append(filled(standard("5.1.1", "550 5.1.1 no"), campaign.deliveries[0], campaign.keys))
    database.settings = replace(database.settings, imap_url=server.url("post@daisies.org"))
    assert read_mailbox(database, tls=server.trust) == {"hard": 1, "new": 1}
