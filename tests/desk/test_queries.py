"""No page of the desk asks the database more often because there is more to show."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest
from sqlalchemy import insert, text, update

from accounts.invitations import invite
from accounts.tables import StaffAccount
from benchmarks.desk_pages import counted
from daisychain.database import Database
from desk.campaigns import progress
from lists.uploads.upload_tables import ImportDraft
from newsletters.packs.pack_status import keep_packs
from newsletters.stored.contents import Change, Contents
from newsletters.stored.manuscripts import origin_of
from newsletters.stored.newsletters import create
from newsletters.stored.saving import save
from partners.contacts import add_contact
from partners.registry import claim
from sender.campaigns.approvals import ask
from sender.tables import Alert, Campaign, Inbox
from tests.desk.every_page import There, every_page
from tests.desk.staff import Browser
from tests.newsletters.packs.packing import packed
from tests.partners.coalition import TOOLKIT, kept
from tests.sender.returns import resent
from tests.sender.staging import add_list, add_people

# A draft that waits for this person's yes needs these of its own.
OF_A_TOOLKIT = ("adoption.show", "adoption.download")
OF_A_LINE = {"home.show": 4}
# What each campaign is made like, beside the one that was sent.
_LIKE_IT = text("""
    INSERT INTO campaigns (name, state, list_id, document, source, compiled_id, provider, from_name, from_address,
                           opens, clicks, pause_reason, starts_at)
    SELECT name, made, list_id, :document, source, compiled_id, provider, from_name, from_address, opens, clicks,
           'many complaints', CASE WHEN made <> 'draft' THEN now() + interval '3 days' END
    FROM campaigns, unnest(ARRAY['draft', 'paused', 'scheduled']) AS every (made) WHERE id = :campaign
    RETURNING id
""")


def add_everything(database: Database, numbers: range) -> int:
    """Make one more of each thing for each number; returns the number of the first newsletter."""
    row, first = packed("brevo").row, 0
    with database.engine.begin() as connection:
        for number in numbers:
            name = f"more-{number}"
            list_id = add_list(connection, name)
            sent = resent(database, connection, list_id, add_people(connection, list_id, range(3), called=name))
            made = create(connection, name, Contents({"": f"---\ntoolkit: x\n---\n{name}\n"}), who="Admin Example")
            save(connection, made.id, made.version, Change({"": name}), who="Admin Example", kind="kept")
            long_ago = update(Campaign).where(Campaign.id == sent.campaign_id)
            connection.execute(long_ago.values(finished_at=text("now() - interval '3 days'")))  # so none repeats it
            like = {"document": origin_of(made.name), "campaign": sent.campaign_id}
            ask(connection, connection.scalars(_LIKE_IT, like).all()[0], who="Sam", who_id=0)
            account = {"email": name, "name": name, "role": "sender", "password_hash": "", "made_by": ""}
            connection.execute(insert(StaffAccount).values(account))
            invite(connection, f"{name}@coalition.example", "editor", "Admin Example")
            connection.execute(insert(Alert).values(cause=name, subject=name, words=name))
            connection.execute(insert(Inbox).values(set_name=name, address_key=name, address=name))
            claim(connection, [{"name": name, "contact": name}], ["contact"])
            add_contact(connection, number + 1, f"{name}@partner.example")
            waiting = {"list_id": 1, "file": name, "by": "Admin Example", "state": "reading"}
            connection.execute(insert(ImportDraft).values(waiting))
            kept(connection)
            keep_packs(connection, [row | {"key": name, "partner": name}])
            first = first or made.id
    return first


def test_pages_ask_as_often_for_many_rows_as_for_few(
    database: Database, under_way: int, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is read once a second is read anew each time, however quick the machine is.
    monkeypatch.setattr(progress, "monotonic", partial(next, count()))
    newsletter = add_everything(database, range(2))
    with database.engine.begin() as connection:
        add_list(connection, "everybody")
    values: dict[str, object] = {
        "campaign_id": under_way, "newsletter_id": newsletter, "account_id": 1, "save_id": 1, "name": "friends",
        "organisation_id": 1, "token": "x", "kept_as": 1, "hand_out_id": 1, "contact_id": 1, "what": "words",
        "number": 1, "segment": "x", "toolkit": TOOLKIT, "block_id": "manifesto", "picture": "hero", "version_id": 1,
        "width": "wide", "chart": "ledger", "kind": "json", "draft_id": 1, "step": "columns", "member_id": 1,
    }  # fmt: skip
    pages = list(every_page(admin.app, There(values, {each: {"name": TOOLKIT} for each in OF_A_TOOLKIT})))

    def queries() -> dict[str, int]:
        asked = {}
        for _, path in pages:
            admin.client.get(path)  # what is kept from now on
            with counted(database.engine) as sent:
                assert admin.client.get(path).status_code < 500, path
            asked[path] = len(sent)
        return asked

    few = queries()
    add_everything(database, range(2, 8))
    many = queries()
    most = {path: few[path] + 10 * OF_A_LINE.get(endpoint, 0) for endpoint, path in pages}
    assert not {path: (few[path], many[path]) for path in many if many[path] > most[path]}
