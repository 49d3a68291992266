"""Retention: what is old enough goes, reports keep their figures, and a dry run changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, text, update

from daisychain import database as frame
from daisychain.database import Database
from daisychain.errors import ConfigurationError, LockedError
from daisychain.settings import load_settings
from lists.lists import create_list
from lists.privacy.complaints import add_complaint, close_complaint
from lists.tables import Import, ImportChange
from lists.uploads.import_drafts import start_draft
from lists.uploads.upload_slices import store_whole
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import create, delete_newsletter
from newsletters.tables import StoredNewsletter
from pages.app import create_app
from reports.document.exports import as_json
from reports.whole_report import whole_report
from sender.delivery.ledger import read_ledger
from sender.events.classify import classify_due
from sender.events.replay import replay
from sender.events.webhook_jobs import process_body, store_body
from sender.providers.outbox import FOLDER
from sender.tables import SystemMail
from sender.upkeep.chores import run_chore
from sender.upkeep.retention import apply_retention
from tests.command import Daisychain
from tests.sender.returns import FIREFOX, Sent, sent

EVENTS, LEDGER, BODIES, FILES, SIGN_UPS, CONTACTS = (
    "events of mails", "addresses and values of mails", "webhook bodies", "mails in the outbox",
    "unconfirmed sign-ups", "contacts of closed complaints",
)  # fmt: skip


@pytest.fixture
def campaign(database: Database) -> Sent:
    """A campaign with readers, of a month ago."""
    campaign = sent(database)
    take(campaign, [
        *(campaign.event("delivered", number, at=1) for number in range(3)),
        campaign.event("open", 0, at=30, useragent=FIREFOX), campaign.event("open", 1, at=3, sg_machine_open=True),
        campaign.event("click", 0, at=40, useragent=FIREFOX, url="https://campaign.example/toolkit?a=1&b=2"),
    ])  # fmt: skip
    classify_due(database)
    return campaign


def take(campaign: Sent, events: list[dict[str, Any]]) -> None:
    with campaign.database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(events))
    with campaign.database.engine.begin() as connection:
        process_body(connection, body_id, campaign.keys)


def grow_older(campaign: Sent, months: int) -> None:
    """Let time pass, as far as anything here can see."""
    past = f"- make_interval(months => {months})"
    times = {
        "events": "at received_at", "webhook_bodies": "received_at processed_at", "sign_ups": "asked_at",
        "campaigns": "frozen_at created_at", "complaints": "received_at closed_at",
        "delivery_rollups": "delivered_at first_human_open_at first_click_at", "attempts": "started_at ended_at",
    }  # fmt: skip
    with campaign.database.engine.begin() as connection:
        for table, columns in times.items():
            changes = ", ".join(f"{column} = {column} {past}" for column in columns.split())
            connection.execute(text(f"UPDATE {table} SET {changes}"))  # noqa: S608
        connection.execute(text(f"UPDATE hour_rollups SET hour = hour {past}"))  # noqa: S608


def figures(campaign: Sent) -> Any:
    """Return what a report and a ledger show, but for when it was made."""
    told = orjson.loads(as_json(whole_report(campaign.database.engine, campaign.campaign_id, small_cells=False)))
    with campaign.database.engine.connect() as connection:
        return told["figures"], told.get("curve"), told.get("mailboxes"), read_ledger(connection, campaign.campaign_id)


def count(database: Database, question: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {question}")) or 0)  # noqa: S608


@pytest.mark.parametrize(
    ("months", "gone"), [(2, set()), (4, {BODIES}), (14, {BODIES, EVENTS}), (25, {BODIES, EVENTS, LEDGER})]
)
def test_each_kind_goes_after_its_time_and_the_figures_stay(campaign: Sent, months: int, gone: set[str]) -> None:
    grow_older(campaign, months)
    database, before = campaign.database, figures(campaign)
    planned = apply_retention(database, write=False)
    assert {kind for kind, number in planned.items() if number} == gone
    assert apply_retention(database, write=False) == planned  # nothing was changed
    assert apply_retention(database, write=True) == planned
    assert not any(apply_retention(database, write=True).values())
    assert count(database, "webhook_bodies") == (0 if BODIES in gone else 1)
    assert count(database, "events") == (0 if EVENTS in gone else 6)
    assert count(database, "deliveries WHERE address <> '' OR inputs <> '{}'") == (0 if LEDGER in gone else 3)
    assert figures(campaign) == before
    replay(database, campaign.keys, datetime.fromtimestamp(0, UTC), write=True)
    classify_due(database, rest=0)
    run_chore(database, "sums")
    assert figures(campaign) == before


@pytest.mark.parametrize("write", [False, True])
def test_rows_that_somebody_else_is_changing_are_not_waited_for_without_an_end(
    campaign: Sent, write: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "LOCK_BRIEF", "50ms")
    with campaign.database.engine.begin() as connection:
        number = add_complaint(connection, "a mail too many", contact="ann@people.example", by="Priya")
        close_complaint(connection, number, outcome="apologised", by="Priya")
    grow_older(campaign, 25)
    with campaign.database.engine.begin() as elsewhere:
        elsewhere.execute(text("UPDATE complaints SET outcome = 'apologised twice'"))
        with pytest.raises(LockedError, match="is changing the same people"):
            apply_retention(campaign.database, write=write)
    assert apply_retention(campaign.database, write=write)[CONTACTS] == 1


def test_a_late_reader_of_an_old_mail_is_added_to_its_sums_and_may_still_unsubscribe(campaign: Sent) -> None:
    grow_older(campaign, 25)
    apply_retention(campaign.database, write=True)
    client = create_app(campaign.database).test_client()
    clicks = "link_rollups WHERE clickers > 0"
    before = count(campaign.database, clicks)
    headers = {"User-Agent": FIREFOX, "Accept": "text/html"}
    assert client.get(f"/c/{campaign.click(1)}/2", headers=headers).status_code == 302
    take(campaign, [campaign.event("delivered", 2, at=5)])
    replay(campaign.database, campaign.keys, datetime.fromtimestamp(0, UTC), write=True)
    assert count(campaign.database, clicks) == before + 1
    assert client.post(f"/u/{campaign.unsubscribe(1)}/leave", data={"scope": "all"}, headers=headers).status_code == 200
    assert count(campaign.database, f"suppressions WHERE address_key = '{campaign.address(1)}'") == 1
    take(campaign, [campaign.event("spamreport", 0, at=9)])
    assert count(campaign.database, f"suppressions WHERE address_key = '{campaign.address(0)}'") == 1
    assert count(campaign.database, "flagged") == 0


def test_a_freeze_that_an_erasure_could_not_see_is_emptied_of_the_person(campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        member = {"member": campaign.members[0]}
        connection.execute(text("INSERT INTO erasures (member_id, address_hash) VALUES (:member, 'x')"), member)
        connection.execute(text("DELETE FROM members WHERE id = :member"), member)
    assert apply_retention(campaign.database, write=False)["mails of erased people"] == 1
    assert apply_retention(campaign.database, write=True)["mails of erased people"] == 1
    gone = f"id = {campaign.deliveries[0]} AND member_id IS NULL AND address = '' AND inputs = '{{}}'"
    assert count(campaign.database, f"deliveries WHERE {gone}") == 1
    assert count(campaign.database, "deliveries WHERE address <> ''") == 2


def test_files_and_contacts_go_too(campaign: Sent) -> None:
    database = campaign.database
    folder = database.settings.home / FOLDER / "1"
    folder.mkdir(parents=True)
    old, new = folder / "mail-old.eml", folder / "mail-new.eml"
    for path in (old, new):
        path.write_text("To: ann@people.example")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    with database.engine.begin() as connection:
        for contact in ("ann@people.example", "bob@people.example"):
            number = add_complaint(connection, "a mail too many", contact=contact, by="Priya")
        close_complaint(connection, number, outcome="apologised", by="Priya")
    grow_older(campaign, 25)
    counts = apply_retention(database, write=True)
    assert (counts[FILES], counts[CONTACTS]) == (1, 1)
    assert [path.name for path in folder.iterdir()] == [new.name]
    assert count(database, "complaints WHERE contact = 'ann@people.example'") == 1


def test_a_dry_run_counts_all_that_chores_of_their_own_delete_too(database: Database) -> None:
    """An import whose file goes with it in the same run is one of them, though a dry run deletes no file."""
    with database.engine.begin() as connection:
        friends = create_list(connection, "friends", sender="Us <us@charity.example>")
        for old in (True, False):
            made_at = datetime.now(UTC) - timedelta(days=40 * old)
            number = connection.scalar(
                insert(Import).values(list_id=friends, at=made_at, file="a.csv", counts={}).returning(Import.id)
            )
            change = {"import_id": number, "member_id": 1, "what": "member", "before": {}, "after": {}}
            connection.execute(insert(ImportChange).values(change))
            upload = store_whole(connection, "a.csv", b"x", by="Sam")
            start_draft(connection, friends, upload, by="Sam")
            connection.execute(text("UPDATE import_drafts SET state = 'columns'"))
            if old:
                connection.execute(text("UPDATE uploads SET keep_until = now() - interval '1 minute'"))
            mail = {"kind": "x", "address": "ann@people.example", "subject": "", "made_at": made_at}
            connection.execute(insert(SystemMail).values(mail))
            newsletter = create(connection, "May", Contents({"": "# May"}), who="Ann")
            if old:
                delete_newsletter(connection, newsletter.id, who="Ann")
                connection.execute(update(StoredNewsletter).values(deleted_at=made_at))
    kinds = {
        "values from before imports": 1, "files and refused rows of imports": 2, "old versions of newsletters": 1,
        "single mails such as invitations": 1,
    }  # fmt: skip
    for write in (False, False, True):
        assert {kind: rows for kind, rows in apply_retention(database, write=write).items() if rows} == kinds
    assert not any(apply_retention(database, write=True).values())
    for table in ("import_changes", "uploads", "import_drafts", "system_mails", "newsletters"):
        assert count(database, table) == 1


def test_settings_shorten_and_lengthen_it(campaign: Sent) -> None:
    grow_older(campaign, 14)
    longer = Database(replace(campaign.database.settings, retention="events=20 bodies=180"))
    assert apply_retention(longer, write=False)[EVENTS] == 0
    shorter = Database(replace(campaign.database.settings, retention="deliveries=6"))
    assert apply_retention(shorter, write=False)[LEDGER] == 3
    for each in (longer, shorter):
        each.close()


@pytest.mark.parametrize("written", ["events", "events=x", "events=0", "letters=3", "bodies=181"])
def test_a_retention_that_cannot_be_read_is_refused(written: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_RETENTION"):
        load_settings({"DAISYCHAIN_RETENTION": written}, tmp_path)


def test_the_command_shows_what_would_go_and_the_doctor_when_it_last_did(
    campaign: Sent, daisychain: Daisychain
) -> None:
    grow_older(campaign, 14)
    answer = daisychain.json("retention", "apply", "--dry-run", "--format", "json")
    assert (answer["dry_run"], answer["counts"][EVENTS]) == (True, 6)

    def doctor() -> dict[str, Any]:
        found = daisychain.json("doctor", "--format", "json", code=None)
        return {each["subject"]: (each["state"], each["words"]) for each in found}

    assert doctor()["retention"][0] == "missing"
    with campaign.database.engine.begin() as connection:
        connection.execute(text("INSERT INTO chores (name) VALUES ('retention')"))
    assert run_chore(campaign.database, "retention") == "6 events of mails, 1 webhook bodies"
    assert doctor()["retention"][0] == "good"
    assert doctor()["data protection contact"][0] == "missing"
