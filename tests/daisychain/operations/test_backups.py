"""Backup and restore as operators do them: what was in the database is in it again, and nothing is lost by mistake."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text, update

from daisychain.database import Database
from daisychain.operations import backups
from lists.tables import Membership, Suppression
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.steering import begin
from sender.delivery import confirmed_places
from sender.delivery.ledger import read_ledger
from sender.events.webhook_jobs import process_body, store_body
from sender.tables import Delivery, Rollup
from tests.command import Daisychain
from tests.public_pages import public_app
from tests.sender.returns import resent, sent
from tests.sender.staging import add_list, add_people, draft, staged

pytestmark = pytest.mark.usefixtures("alone")


def rows(database: Database) -> dict[str, list[Any]]:
    """All rows of the tables that say what became of whom."""
    named = ("members", "campaigns", "deliveries", "batches", "attempts", "events", "delivery_rollups")
    with database.engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT t::text FROM {name} t ORDER BY 1")).all() for name in named}  # noqa: S608
    database.close()  # a restore wants to be alone
    return found


def campaign_under_way(database: Database) -> int:
    """A frozen campaign that waits, beside one that was sent."""
    sent(database)
    with database.engine.begin() as connection:
        list_id = add_list(connection, "neighbours")
        add_people(connection, list_id, range(100, 120))
        campaign_id = draft(connection, list_id)
        begin(connection, database.settings, find_campaign(connection, campaign_id))
    return campaign_id


def test_a_restored_database_has_the_same_ledger_and_sends_nothing_until_confirmed(
    database: Database, daisychain: Daisychain, elsewhere: Daisychain
) -> None:
    campaign_id = campaign_under_way(database)
    before = rows(database)
    said = daisychain("db", "backup", "one.dump").stderr
    assert "The secret key is NOT in it" in said
    assert "DAISYCHAIN_SECRET_KEY" in said

    said = elsewhere("db", "restore", "one.dump").stderr
    assert "2 campaigns, 23 people" in said
    restored = Database(elsewhere.settings)
    assert rows(restored) == before
    with restored.engine.begin() as connection:
        ledger = read_ledger(connection, campaign_id)
        assert (ledger.balances, ledger.waiting) == (True, 20)
        assert not confirmed_places.is_confirmed(connection, elsewhere.settings)
        # What is written from now on gets numbers of its own.
        assert connection.scalar(text("SELECT nextval(pg_get_serial_sequence('deliveries', 'id'))")) > 20
    restored.close()
    assert rows(database) == before


def test_a_backup_can_be_read_by_its_owner_alone_and_is_never_overwritten(daisychain: Daisychain) -> None:
    daisychain("db", "backup", "one.dump")
    file = daisychain.folder / "one.dump"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert "exists already" in daisychain("db", "backup", "one.dump", code=1).stderr
    assert file.read_bytes() == before
    assert not list(daisychain.folder.glob("*.part"))


def test_a_database_with_something_in_it_is_overwritten_only_where_that_is_said(
    database: Database, daisychain: Daisychain
) -> None:
    daisychain("db", "backup", "empty.dump")
    staged(database, 3)
    before = rows(database)
    assert "not empty: there are rows in" in daisychain("db", "restore", "empty.dump", code=1).stderr
    assert rows(database) == before
    daisychain("db", "restore", "empty.dump", "--yes-overwrite")
    assert not any(rows(database).values())


def test_nothing_is_restored_while_somebody_is_at_work(database: Database, daisychain: Daisychain) -> None:
    daisychain("db", "backup", "empty.dump")
    with database.engine.connect():
        assert "Somebody is at work" in daisychain("db", "restore", "empty.dump", "--yes-overwrite", code=1).stderr


def broken(folder: Path) -> str:
    """A backup whose table of contents is whole, and whose rows are not."""
    whole = (folder / "whole.dump").read_bytes()
    (folder / "broken.dump").write_bytes(whole[:-500])
    return "broken.dump"


def test_a_restore_that_fails_leaves_everything_as_it_was(database: Database, daisychain: Daisychain) -> None:
    campaign_under_way(database)
    before = rows(database)
    daisychain("db", "backup", "whole.dump")
    said = daisychain("db", "restore", broken(daisychain.folder), "--yes-overwrite", code=1).stderr
    assert "as it was before" in said
    assert rows(database) == before
    daisychain("db", "restore", "whole.dump", "--yes-overwrite")
    assert rows(database) == before


def test_what_a_killed_restore_left_aside_is_put_back_by_the_next(database: Database, daisychain: Daisychain) -> None:
    daisychain("db", "backup", "empty.dump")
    staged(database, 3)
    before = rows(database)
    with database.unchecked_engine.begin() as connection:
        connection.execute(text("ALTER SCHEMA public RENAME TO before_restore"))
        connection.execute(text("CREATE SCHEMA public"))
    database.close()
    assert "not empty" in daisychain("db", "restore", "empty.dump", code=1).stderr
    assert rows(database) == before


def test_a_backup_of_a_newer_daisychain_is_refused(database: Database, daisychain: Daisychain) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    backups.backup(database, daisychain.folder / "newer.dump", str)
    with database.unchecked_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.close()
    assert "of a newer version (9999)" in daisychain("db", "restore", "newer.dump", code=1).stderr


@pytest.mark.parametrize("content", [None, b"", b"PGDMP", b"SELECT 1;\n"], ids=["absent", "empty", "cut", "foreign"])
def test_what_is_no_backup_is_refused(daisychain: Daisychain, content: bytes | None) -> None:
    if content is not None:
        (daisychain.folder / "no.dump").write_bytes(content)
    assert "Error: no.dump " in daisychain("db", "restore", "no.dump", code=1).stderr


def test_mail_that_left_after_the_backup_reaches_nobody_elses_records(
    database: Database, daisychain: Daisychain
) -> None:
    """A restore, a new campaign to other people, then old links, an old one-click, an old bounce and old events."""
    first = sent(database, people=5)
    database.close()
    daisychain("db", "backup", "one.dump")
    with database.engine.begin() as connection:
        lost = resent(database, connection, first.list_id, first.members)
    told = [lost.event(kind, number, type="bounce") for number in range(5) for kind in ("delivered", "bounce")]
    database.close()
    daisychain("db", "restore", "one.dump", "--yes-overwrite")
    daisychain("confirm-here", "--yes")
    with database.engine.begin() as connection:
        list_id = add_list(connection, "others")
        others = add_people(connection, list_id, range(50, 60), called="other")
        new = resent(database, connection, list_id, others, outcome="uncertain")
        connection.execute(
            update(Delivery).where(Delivery.campaign_id == new.campaign_id).values(address="other@a.org")
        )

    client = public_app(database).test_client()
    for number in range(5):
        for page in (f"/v/{lost.view(number)}", f"/c/{lost.click(number)}/0", f"/u/{lost.unsubscribe(number)}"):
            assert client.get(page, headers={"Accept": "text/html"}).status_code == 410
        assert client.post(f"/u/{lost.unsubscribe(number)}", data={"List-Unsubscribe": "One-Click"}).status_code == 410
    with database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(told))
        process_body(connection, body_id, lost.keys)
    with database.engine.connect() as connection:
        assert set(connection.scalars(select(Suppression.address_key))) == {lost.address(number) for number in range(5)}
        states = select(Delivery.state).where(Delivery.campaign_id == new.campaign_id)
        assert set(connection.scalars(states)) == {"uncertain"}
        left = select(Membership.member_id).where(Membership.list_id == list_id, Membership.state != "subscribed")
        assert connection.scalars(left).all() == []
        assert connection.scalars(select(Rollup.delivery_id)).all() == []
        assert confirmed_places.is_confirmed(connection, database.settings)
