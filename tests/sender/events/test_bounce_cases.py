"""Mails as they come to the bounce mailbox are read as what they are, through the mailbox itself."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from daisychain.database import Database
from sender.events.bounce_mailbox import read_mailbox
from sender.tables import Delivery
from tests.fakes.imap import FakeMailbox
from tests.sender.events.test_bounce_reports import suppressed
from tests.sender.returns import Sent, sent

FOLDER = Path(__file__).parents[2] / "cases" / "bounces"
ANN = "ann@ex-a.org"
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
