"""A person who was forgotten is found nowhere, neither in a decoded dump nor in the home, and nothing brings them back.

Person 0 is in every table that may hold somebody, with a name, a town and an address that nobody else has.
"""

from __future__ import annotations

import base64
import gzip
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, insert, select, text, update

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from daisychain.operations.erased_list import NAME
from daisychain.operations.erasure import erase_person, plan_erasure
from lists.imports import import_members
from lists.members import add_member
from lists.privacy.address_hash import forgotten_among
from lists.privacy.tables import MemberChange, PrivacyComplaint
from lists.sign_up.sign_up_form import change_form
from lists.suppression import is_suppressed, suppress
from lists.tables import ImportChange, Member, Membership, Restoration, Suppression
from pages.app import create_app
from partners.contacts import add_contact
from partners.profiles import add_organisation
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.steering import begin
from sender.delivery.ledger import read_ledger
from sender.events.recount import recount_rollups
from sender.events.replay import replay
from sender.events.webhook_jobs import process_body, store_body
from sender.providers.outbox import FOLDER
from sender.system_mail.mail_queue import send_due_mails
from sender.tables import ContactUnsubscribe, Delivery, Inbox, WebhookBody
from tests.command import Daisychain
from tests.sender.returns import FIREFOX, Sent, sent
from tests.sender.staging import draft

EPOCH = datetime.fromtimestamp(0, UTC)

NAME_, TOWN, PROGRAM = "Zebedee", "Nowhereville", "Quirkzilla/9.9"
HELD = ("person0@people.example", NAME_, TOWN, PROGRAM, "203.0.113.0")


def told(campaign: Sent, at: int = 0) -> list[dict[str, Any]]:
    """Return events of two people, as one body has them."""
    read = {"useragent": f"{FIREFOX} {PROGRAM}", "ip": "203.0.113.9"}
    return [
        campaign.event("delivered", at=at), campaign.event("delivered", 1, at=at),
        campaign.event("open", at=at + 30, **read), campaign.event("open", 1, at=at + 31, useragent=FIREFOX),
        campaign.event("click", at=at + 40, url="https://campaign.example/join?name=Zebedee", **read),
        campaign.event("bounce", at=at + 50, type="blocked", reason="mailbox of person0@people.example is full"),
    ]  # fmt: skip


def take(campaign: Sent, events: list[dict[str, Any]]) -> int:
    with campaign.database.engine.begin() as connection:
        body_id = store_body(connection, orjson.dumps(events))
    with campaign.database.engine.begin() as connection:
        process_body(connection, body_id, campaign.keys)
    return body_id


@pytest.fixture
def campaign(database: Database) -> Sent:
    """A sent campaign, and somebody of whom every table knows something."""
    campaign = sent(database)
    address, member = campaign.address(), campaign.members[0]
    with database.engine.begin() as connection:
        connection.execute(update(Member).where(Member.id == member).values(first_name=NAME_, fields={"town": TOWN}))
        mine = {"inputs": {"first_name": NAME_, "town": TOWN}, "dimensions": {"town": TOWN}}
        connection.execute(update(Delivery).where(Delivery.id == campaign.deliveries[0]).values(mine))
        who = {"address_key": address, "before": {"source": f"form of {address}"}, "because": f"{address} rang"}
        connection.execute(insert(Restoration).values(how="by staff", evidence=f"mail of {address}", **who))
        change = {"member_id": member, "before": {"first_name": NAME_}, "after": {"fields": {"town": TOWN}}}
        connection.execute(insert(ImportChange).values(import_id=1, what="member", **change))
        connection.execute(insert(MemberChange).values(what="corrected", because=f"for {address}", **change))
        connection.execute(insert(PrivacyComplaint).values(contact=address, about=f"{address} got a mail too many"))
        connection.execute(insert(Inbox).values(set_name="team", address_key=address, address=address))
        connection.execute(insert(ContactUnsubscribe).values(address_key=address, how="one-click"))
        suppress(connection, address, "unsubscribed from everything", source="by staff", note=f"told by {address}")
        organisation = add_organisation(connection, {"name": "Bees"}, "Priya").organisation
        add_contact(connection, organisation.id, address, f"{NAME_} Quirk")
        add_contact(connection, organisation.id, "other@bees.example", "Olu")
        change_form(connection, "friends", by="Priya", is_open=True)
    take(campaign, told(campaign))
    return campaign


def whole_dump(database: Database) -> Iterator[tuple[str, str]]:
    """Yield every value of every table as text: bytes also unzipped, and out of base64 where they are in it."""
    with database.engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for table in tables:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():  # noqa: S608
                for column, value in row.items():
                    for form in forms(value):
                        yield f"{table}.{column}", form


def forms(value: Any) -> Iterator[str]:
    """Yield a value as text in each way that it may be hidden in."""
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        yield raw.decode("utf-8", "replace")
        if raw[:2] == b"\x1f\x8b":
            yield from forms(gzip.decompress(raw))
        if re.fullmatch(rb"[A-Za-z0-9+/_=-]{24,}", raw):
            yield from forms(base64.b64decode(raw + b"==", altchars=b"-_"))
    else:
        yield orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)


def found_of(database: Database, *words: str) -> list[str]:
    """Return where any of the person's words are, in the database or in a file of the home."""
    held = [word.lower() for word in words or HELD]
    places = {place for place, value in whole_dump(database) for word in held if word in value.lower()}
    for path in database.settings.home.rglob("*"):
        content = path.read_bytes().lower() if path.is_file() else b""
        places |= {path.name for word in held if word.encode() in content or word in path.name.lower()}
    return sorted(places)


def erase(campaign: Sent) -> Any:
    database = campaign.database
    return erase_person(
        database.engine, database.settings, campaign.address().title(), by="Priya", because="asked, 3 May"
    )


def test_everything_that_was_known_of_an_erased_person_is_gone_and_of_the_others_nothing(campaign: Sent) -> None:
    known = set(found_of(campaign.database))
    assert {"members.email", "deliveries.inputs", "events.user_agent", "webhook_bodies.body"} <= known
    others = found_of(campaign.database, campaign.address(1))
    erase(campaign)
    assert found_of(campaign.database) == []
    assert found_of(campaign.database, campaign.address(1)) == others


def test_the_ledger_and_the_figures_are_as_before(campaign: Sent) -> None:
    def figures() -> Any:
        with campaign.database.engine.begin() as connection:
            sums = [
                connection.execute(text(f"SELECT t::text FROM {table} t ORDER BY 1")).all()  # noqa: S608
                for table in ("hour_rollups", "mailbox_rollups", "facts_rollups", "link_rollups", "delivery_rollups")
            ]
            differing = {
                name: rows for name, rows in recount_rollups(connection, [campaign.campaign_id]).items() if rows
            }
            return sums, differing, read_ledger(connection, campaign.campaign_id)

    before = figures()
    assert before[1] == {}
    erase(campaign)
    assert figures() == before
    for _ in range(2):
        replay(campaign.database, campaign.keys, EPOCH, write=True)
        assert figures() == before
    assert found_of(campaign.database) == []


def test_a_late_webhook_keeps_what_it_says_of_others_only(campaign: Sent) -> None:
    erase(campaign)
    late = [*told(campaign, 500), {"email": campaign.address(), "event": "bounce", "type": "bounce", "timestamp": 1}]
    body_id = take(campaign, late)
    assert found_of(campaign.database) == []
    with campaign.database.engine.connect() as connection:
        body = connection.scalars(select(WebhookBody.body).where(WebhookBody.id == body_id)).one()
        assert {each["email"] for each in orjson.loads(body)} == {campaign.address(1)}
    assert take(campaign, late) == body_id  # told again, it is known
    replay(campaign.database, campaign.keys, EPOCH, write=True)
    assert found_of(campaign.database) == []


@pytest.mark.parametrize("no", ["", ",No"])
def test_an_import_leaves_them_out_and_writes_nothing_down(campaign: Sent, tmp_path: Path, no: str) -> None:
    erase(campaign)
    sheet = tmp_path / "people.csv"
    heading = "Email,First name" + (",Subscribed" if no else "")
    sheet.write_text(f"{heading}\nPerson0@People.Example,Zebedee{no}\nnew@people.example,Nia{',Yes' if no else ''}\n")
    with campaign.database.engine.begin() as connection:
        summary = import_members(connection, campaign.list_id, sheet)
    assert (summary.added, summary.refused_because) == (1, {"asked to be forgotten": 1})
    assert "Zebedee" not in (tmp_path / "people.refused.csv").read_text()
    assert found_of(campaign.database) == []


def test_nobody_but_themselves_brings_them_back(campaign: Sent) -> None:
    erase(campaign)
    with campaign.database.engine.begin() as connection:
        wasps = add_organisation(connection, {"name": "Wasps"}, "Priya")
        with pytest.raises(StateError, match="signing up themselves"):
            add_member(connection, campaign.list_id, campaign.address(), basis="unknown", source="")
        with pytest.raises(StateError, match="signing up themselves"):
            add_contact(connection, wasps.organisation.id, campaign.address())
        suppress(connection, campaign.address(), "on the provider's list")
    assert found_of(campaign.database) == []


def ask_to_join(campaign: Sent) -> str:
    """Fill in the form of the list as person 0, and return the link of the mail."""
    client = create_app(campaign.database).test_client()
    client.post("/join/friends", data={"email": campaign.address()})
    send_due_mails(campaign.database)
    mails = sorted(campaign.database.settings.home.rglob("mail-system-*.eml"), key=lambda path: path.stat().st_mtime_ns)
    if not mails:
        return ""
    body = message_from_bytes(mails[-1].read_bytes(), policy=policy.default).get_body(("plain",))
    found = re.search(r"/join/confirm/\S+", body.get_content()) if body else None
    return found[0] if found else ""


def test_a_confirmation_from_before_the_erasure_answers_as_a_used_link(campaign: Sent) -> None:
    lift(campaign, "unsubscribed")
    link = ask_to_join(campaign)
    assert link
    erase(campaign)
    assert found_of(campaign.database) == []  # the mail in the outbox as well
    client = create_app(campaign.database).test_client()
    page = client.post(link)
    assert (page.status_code, "used" in page.text) == (200, True)
    assert found_of(campaign.database) == []


def lift(campaign: Sent, state: str = "subscribed") -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM suppressions"))
        mine = Membership.member_id == campaign.members[0]
        connection.execute(update(Membership).where(mine).values(state=state))


def test_a_person_who_signs_up_again_themselves_is_welcome(campaign: Sent) -> None:
    erase(campaign)
    client = create_app(campaign.database).test_client()
    page = client.post(ask_to_join(campaign))
    assert page.status_code == 200
    with campaign.database.engine.begin() as connection:
        assert not forgotten_among(connection, [campaign.address()])
        assert not is_suppressed(connection, campaign.address())
        assert connection.scalar(select(Member.first_name).where(Member.address_key == campaign.address())) == ""
    erase(campaign)  # and may be forgotten again
    assert found_of(campaign.database) == []


def test_a_complaint_is_remembered_by_hash_and_no_sign_up_lifts_it(campaign: Sent) -> None:
    lift(campaign)
    with campaign.database.engine.begin() as connection:
        suppress(connection, campaign.address(), "complaint")
    erase(campaign)
    assert ask_to_join(campaign) == ""
    with campaign.database.engine.connect() as connection:
        [row] = connection.execute(select(Suppression.__table__)).all()
        assert (row.reason, row.address_key[:7]) == ("complaint", "erased:")


def test_what_a_campaign_under_way_still_has_of_them_is_never_sent(campaign: Sent) -> None:
    lift(campaign)
    with campaign.database.engine.begin() as connection:
        under_way = draft(connection, campaign.list_id)
        begin(connection, campaign.database.settings, find_campaign(connection, under_way))
    erase(campaign)
    run = Daisychain(campaign.database.settings, campaign.database.settings.home.parent)
    run("campaign", "send", str(under_way), "--yes")
    with campaign.database.engine.connect() as connection:
        ledger = read_ledger(connection, under_way)
    assert (ledger.excluded_by, ledger.balances, ledger.waiting) == ({"suppressed_late": 1}, True, 0)
    assert len(list((campaign.database.settings.home / FOLDER / str(under_way)).iterdir())) == ledger.accepted
    assert found_of(campaign.database) == []


@pytest.mark.parametrize("page", ["v", "u", "c", "o"])
def test_their_mails_links_know_them_no_more_and_record_nothing(campaign: Sent, page: str) -> None:
    erase(campaign)
    key = {"v": campaign.view, "u": campaign.unsubscribe, "c": campaign.click, "o": campaign.pixel}[page]()
    client = create_app(campaign.database).test_client()
    headers = {"User-Agent": PROGRAM, "Accept": "text/html"}
    assert client.get(f"/{page}/{key}" + {"c": "/0", "o": ".gif"}.get(page, ""), headers=headers).status_code < 500
    if page == "u":
        form = {"address": campaign.address(), "scope": "all"}
        assert client.post(f"/u/{key}/leave", data=form, headers=headers).status_code == 200
    assert found_of(campaign.database) == []


@pytest.mark.usefixtures("alone")
def test_a_restored_backup_learns_of_it(
    campaign: Sent,
    daisychain: Daisychain,
    elsewhere: Daisychain,
    tmp_path: Path,
) -> None:
    (tmp_path / "backups").mkdir()
    daisychain("db", "backup", "backups/before.backup")
    erase(campaign)
    campaign.database.close()
    daisychain("db", "restore", "backups/before.backup", "--yes-overwrite")
    assert found_of(campaign.database) == []
    campaign.database.close()
    # On another machine there is only what lies beside the backups.
    daisychain("db", "backup", "backups/after.backup")
    assert stat.S_IMODE((tmp_path / "backups" / NAME).stat().st_mode) == 0o600
    assert campaign.address() not in (tmp_path / "backups" / NAME).read_text()
    elsewhere("db", "restore", "backups/before.backup")
    other = Database(elsewhere.settings)
    assert found_of(other) == []
    with other.engine.begin() as connection:
        assert forgotten_among(connection, [campaign.address()])
        assert connection.scalar(select(func.count()).select_from(Member)) == len(campaign.members) - 1
    other.close()


def test_the_home_remembers_it_if_the_database_is_lost(
    campaign: Sent, daisychain: Daisychain, elsewhere: Daisychain, tmp_path: Path
) -> None:
    (tmp_path / "backups").mkdir()
    daisychain("db", "backup", "backups/before.backup")
    erase(campaign)
    kept = campaign.database.settings.home / NAME
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    elsewhere.settings.home.mkdir(exist_ok=True)
    (elsewhere.settings.home / NAME).write_bytes(kept.read_bytes())
    elsewhere("db", "restore", "backups/before.backup")
    other = Database(elsewhere.settings)
    assert found_of(other) == []
    other.close()


def test_a_plan_shows_what_goes_and_stays_and_changes_nothing(campaign: Sent) -> None:
    before = found_of(campaign.database)
    with campaign.database.engine.connect() as connection:
        plan = plan_erasure(connection, campaign.database.settings, campaign.address())
        with pytest.raises(InputError, match="Nothing is held"):
            plan_erasure(connection, campaign.database.settings, "nobody@people.example")
    assert plan.goes["The member"] == plan.goes["Lists"] == plan.goes["Contact of organisations"] == 1
    assert any("ledger" in line for line in plan.stays)
    assert found_of(campaign.database) == before
