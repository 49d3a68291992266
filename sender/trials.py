"""Test sends: a newsletter to one's own addresses by the real path, marked, and nothing in it counts or changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from daisychain.database import Database
from daisychain.errors import InputError
from lists.addresses import require_address
from lists.lists import find_list
from lists.people import ListPeople, open_people
from lists.suppression import is_suppressed
from sender import drafts, places
from sender.audience import freeze_tests
from sender.campaigns import find_campaign
from sender.providers import open_provider
from sender.sending import work_until_over
from sender.tables import Delivery


def send_test(
    database: Database,
    document: Path,
    addresses: Sequence[str],
    *,
    provider: str,
    list_name: str | None = None,
    member: str | None = None,
) -> dict[str, Any]:
    """Mail a document to `addresses`, one request each; returns {"id", "mails": [{"address", "state", "reason"}]}.

    Raises InputError for a bad address, a document that does not pass its checks, or a member who is not on the list.
    """
    if member and not list_name:
        raise InputError("--member names somebody on a list.", hint="Add --list.")
    people_to = [require_address(address.strip()).written for address in addresses if address.strip()]
    if not people_to:
        raise InputError("There is nobody to send the test to.", hint="--to ann@example.org,bob@example.org")
    with database.engine.begin() as connection:
        for address in people_to:
            if is_suppressed(connection, address):
                raise InputError(f"{address} is suppressed: it must not be mailed, not even a test.")
        people = open_people(connection, list_name) if list_name else None
        compilation, _ = drafts.checked(connection, document, people)
        campaign_id = drafts.insert_campaign(
            connection, database.settings, compilation, document=document, provider=provider, kind="test",
            mailing_list=find_list(connection, list_name) if list_name else None, name=f"test of {document.name}",
        )  # fmt: skip
        sender = find_campaign(connection, campaign_id)["from_address"]
        opened = open_provider(provider, database.settings)
        opened.check(sender)
        opened.reach()
        inputs = _inputs(people, member, compilation.email.fields)
        places.require_confirmed(connection, database.settings)
        freeze_tests(connection, campaign_id, [(address, inputs) for address in people_to])
    work_until_over(database, campaign_id)
    with database.engine.connect() as connection:
        return {"id": campaign_id, "mails": _mails(connection, campaign_id)}


def _inputs(people: ListPeople | None, member: str | None, fields: Sequence[str]) -> Mapping[str, str | None]:
    if people is None:
        return dict.fromkeys(fields)
    found = people.member(member) if member else people.sample()
    if member and found is None:
        raise InputError(f"{member} is not on the list {people.name!r}, or may not be mailed.")
    return {name: (found or {}).get(name) for name in fields}


def _mails(connection: Connection, campaign_id: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(Delivery.address, Delivery.state, Delivery.reason)
        .where(Delivery.campaign_id == campaign_id)
        .order_by(Delivery.id)
    )
    return [{"address": row.address, "state": row.state, "reason": row.reason or ""} for row in rows]
