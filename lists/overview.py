"""Overviews: what a list looks like today, counted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from lists.audience import AllLists, AudienceSource, WholeList, audience_of, exclusion
from lists.list_people import open_people
from lists.lists import find_list
from lists.tables import MailingList, Membership

_NOBODY = {"mailable": 0, "unsubscribed": 0, "suppressed": 0}


def overview_of_all(connection: Connection) -> list[dict[str, Any]]:
    """Each list by name: sender, tracking, and how many may be mailed, have left, are suppressed."""
    counts = _counts(connection, AllLists())
    rows = connection.execute(select(MailingList.__table__).order_by(MailingList.name)).mappings()
    return [{**_named(row), **_NOBODY, **counts.get(row["id"], {})} for row in rows]


def overview(connection: Connection, name: str) -> dict[str, Any]:
    """One list: as above, with consent by basis and how full each field is, of the people who may be mailed."""
    row = find_list(connection, name)
    people = open_people(connection, name)
    counts = _counts(connection, WholeList(row["id"])).get(row["id"], {})
    return {
        **_named(row),
        **_NOBODY,
        **counts,
        "basis": people.basis(),
        "fields": people.filled,
    }


def _named(row: Any) -> dict[str, Any]:
    kept = ("name", "reply_to", "opens", "clicks", "decided_by", "because", "decided_at", "created_at")
    return {"from": f"{row['from_name']} <{row['from_address']}>", **{key: row[key] for key in kept}}


def _counts(connection: Connection, source: AudienceSource) -> dict[int, dict[str, int]]:
    state = func.coalesce(exclusion, "mailable").label("state")
    people = audience_of(source).everybody(Membership.list_id, state, func.count())
    counts: dict[int, dict[str, int]] = {}
    for list_id, kind, number in connection.execute(people.group_by(Membership.list_id, state)):
        counts.setdefault(list_id, {})[kind] = number
    return counts
