"""Mails as they come to the bounce mailbox are read as what they are, through the mailbox itself."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from sqlalchemy import update

from daisychain.database import Database
from daisychain.settings import Settings
from sender.alerts.conditions import active_conditions
from sender.event import digest
from sender.events.bounce_mailbox import read_mailbox
from sender.events.bounce_reports import read_bounce
from sender.events.flagged import MAIL, count_flagged
from sender.links.keys import Keys
from sender.providers.return_paths import ReturnPaths
from sender.tables import Delivery
from tests.command import Daisychain
from tests.fakes.imap import FakeMailbox
from tests.sender.events.test_bounce_reports import suppressed
from tests.sender.returns import Sent, sent

FOLDER = Path(__file__).parents[2] / "cases" / "bounces"
ANN = "ann@ex-a.org"
SECRET = "a secret for tests, and long enough"
KEYS, PATHS = Keys(SECRET), ReturnPaths(Settings(home=FOLDER, secret_key=SECRET))
with (FOLDER / "expected.tsv").open(encoding="utf-8") as _file:
    CASES = {row["file"]: row["expected"].split("-or-") for row in csv.DictReader(_file, delimiter="\t")}


@pytest.fixture
def ann(database: Database) -> Sent:
    campaign = sent(database, people=1, provider="smtp")
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(address=ANN))
    return campaign


def read(raw: bytes, ann: Sent, database: Database) -> Counter[str]:
    """Put a mail with Ann's return key into the mailbox, and read it."""
    key = ann.keys.returns([ann.deliveries[0]])[0].encode()
    with FakeMailbox(raw.replace(b"@KEY@", key)) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        counts = read_mailbox(database)
        assert ("\\Flagged" in mailbox.flags[0]) == bool(counts["other"] or counts["unreadable"])
    counts.pop("new", None)
    return counts


@pytest.mark.parametrize("name", CASES)
def test_each_mail_is_read_as_what_it_is(name: str, ann: Sent, database: Database) -> None:
    counts = read((FOLDER / name).read_bytes(), ann, database)
    assert list(counts.values()) == [1]
    assert set(counts) <= set(CASES[name])
    reason = {"hard": "hard bounce", "complained": "complaint"}.get(next(iter(counts)))
    assert suppressed(database) == ({ANN: reason} if reason else {})


def test_one_broken_mail_among_ten_stops_none_of_the_others(ann: Sent, database: Database) -> None:
    key = ann.keys.returns([ann.deliveries[0]])[0].encode()
    good = (FOLDER / "01-postfix-gmail-511.eml").read_bytes().replace(b"@KEY@", key)
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(1_000))
    mails = [good.replace(b"x8732847892832732262", str(number).encode()) for number in range(10)]
    mails[4] = b"To: bounce+%s@mail.test\n%s" % (key, deep)
    with FakeMailbox(*mails) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        assert read_mailbox(database) == {"hard": 9, "new": 9, "unreadable": 1}
        assert [number for number, flags in enumerate(mailbox.flags) if "\\Flagged" in flags] == [4]
        assert list(flagged(database)) == [MAIL]
        mailbox.flags[4].remove("\\Flagged")  # somebody has looked at it
        read_mailbox(database)
        assert not flagged(database)


def flagged(database: Database) -> Mapping[str, int]:
    with database.engine.connect() as connection:
        return count_flagged(connection)


def test_flagged_mails_show_in_the_command_alerts_and_doctor(ann: Sent, database: Database, tmp_path: Path) -> None:
    key = ann.keys.returns([ann.deliveries[0]])[0].encode()
    mail = (FOLDER / "51-gmail-vacation.eml").read_bytes().replace(b"@KEY@", key)
    with FakeMailbox(mail, mail) as mailbox:
        settings = database.settings = replace(database.settings, imap_url=mailbox.url)
        daisychain = Daisychain(settings, tmp_path)
        answer = daisychain.json("bounces", "--format", "json")
        assert (answer["other"], answer["flagged"], answer["hard"]) == (2, 2, 0)
        findings = {each["subject"]: each for each in daisychain.json("doctor", "--format", "json", code=1)}
    with database.engine.connect() as connection:
        [condition] = active_conditions(connection, settings, datetime.now(UTC))
    assert condition.message.startswith("2 mails in the mailbox for bounces could not be read or need a person.")
    assert findings["flagged"]["state"] == "not known"
    assert "2 mails" in findings["flagged"]["words"]


HEADERS = ["From", "Subject", "Date", "Message-ID", "Content-Type", "Auto-Submitted", "Content-Transfer-Encoding", "To"]


@given(
    name=st.sampled_from([*HEADERS, "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Feedback-Type"]),
    value=st.binary(max_size=80) | st.text(max_size=30).map(lambda text: text.encode("utf-16")) | st.sampled_from([
        b"Fri, 99 Foo 99999 99:99:99 +9999", b"=?utf-8?B?!!!?=", b"=?nonsense?Q?=FF?=", b"=?utf-8?q?=00?=",
        b"\xff" * 50,
        b'multipart/report; boundary="', b"text/plain; charset=\xe9", b"Mon, 01 Jan 0001 00:00:00 -2359",
        b"Fri, 31 Dec 9999 23:59:59 -2359", b'text/plain; charset="undefined"', b"text/plain; charset=idna",
        b"x-uuencode",
    ]),
)  # fmt: skip
@settings_of_hypothesis(max_examples=300)
@pytest.mark.parametrize("case", ["01-postfix-gmail-511.eml", "40-qmail-511.eml", "60-arf-abuse.eml"])
def test_no_header_stops_the_reading(case: str, name: str, value: bytes) -> None:
    raw = (FOLDER / case).read_bytes().replace(b"@KEY@", KEYS.returns([7])[0].encode())
    changed = re.sub(rb"(?m)^%s:.*" % name.encode(), lambda found: name.encode() + b": " + value, raw)
    received_at = datetime.now(UTC)
    for mail in (changed, name.encode() + b": " + value + b"\n" + raw):
        found = read_bounce(mail, KEYS, PATHS, received_at, lambda delivery_id: ANN)
        assert found is None or found.at <= received_at
        digest(found and (found.natural_key, found.detail))


@given(depth=st.integers(1, 80), inner=st.sampled_from(["multipart/mixed", "message/rfc822", "multipart/report"]))
@settings_of_hypothesis(max_examples=60)
def test_a_nested_mail_is_read(depth: int, inner: str) -> None:
    levels = "".join(
        f'Content-Type: {inner}; boundary="b{level}"\n\n' + (f"--b{level}\n" if "multipart" in inner else "")
        for level in range(depth)
    )
    head = f"From: MAILER-DAEMON@mx.test\nTo: bounce+{KEYS.returns([7])[0]}@x.org\n"
    raw = f"{head}{levels}\n\nann@ex-a.org: 550 5.1.1 gone"
    found = read_bounce(raw.encode(), KEYS, PATHS, datetime.now(UTC))
    assert bool(found) == ("multipart" in inner)


@pytest.mark.parametrize("inner", ["message/rfc822", "multipart/mixed"])
def test_a_returned_mail_of_a_thousand_levels_does_not_hide_the_bounce(inner: str) -> None:
    deep = "".join(f'Content-Type: {inner}; boundary="b{level}"\n\n--b{level}\n' for level in range(1_000))
    raw = (FOLDER / "01-postfix-gmail-511.eml").read_text().replace("@KEY@", KEYS.returns([7])[0])
    raw = raw.replace("Content-Type: text/rfc822-headers\n\n", f"Content-Type: message/rfc822\n\n{deep}")
    found = read_bounce(raw.encode(), KEYS, PATHS, datetime.now(UTC), lambda delivery_id: ANN)
    assert found is not None
    assert found.bounce == "hard"
