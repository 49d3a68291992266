"""Overviews: what a list looks like today, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from lists.audience import UNSUBSCRIBED, Audience, everybody, exclusion
from lists.list_people import open_people
from lists.lists import find_list
from lists.tables import MailingList, Membership, Suppression

_NOBODY = {"mailable": 0, "unsubscribed": 0, "suppressed": 0}


def overview_of_all(connection: Connection) -> list[dict[str, Any]]:
    """Each list by name: sender, tracking, and how many may be mailed, have left, are suppressed."""
    counts = _counts(connection, everybody)
    rows = connection.execute(select(MailingList.__table__).order_by(MailingList.name)).mappings()
    return [_overview(row, counts) for row in rows]


def overview(connection: Connection, name: str) -> dict[str, Any]:
    """One list: as above, with consent by basis and how full each field is, of the people who may be mailed."""
    row = find_list(connection, name)
    people = open_people(connection, name)
    counts = _counts(connection, Audience(row["id"]).everybody)
    return {**_overview(row, counts), "basis": people.basis(), "fields": people.filled}


def excluded_by(connection: Connection, name: str) -> dict[str, int]:
    """Count the people who were on a list and may not be mailed, by why: unsubscribed, or what suppressed them."""
    reason = case((Membership.state != "subscribed", UNSUBSCRIBED), else_=Suppression.reason).label("why")
    people = Audience(find_list(connection, name)["id"]).everybody(reason, func.count()).where(exclusion.is_not(None))
    return dict(map(tuple, connection.execute(people.group_by("why").order_by(func.count().desc()))))


def _overview(row: Any, counts: dict[int, dict[str, int]]) -> dict[str, Any]:
    kept = (
        "name", "title", "reply_to", "opens", "clicks", "decided_by", "because", "decided_at", "created_at",
        "dimensions",
    )  # fmt: skip
    sender = {"from": f"{row['from_name']} <{row['from_address']}>"}
    return {**sender, **{key: row[key] for key in kept}, **_NOBODY, **counts.get(row["id"], {})}


def _counts(connection: Connection, people: Callable[..., Select[*tuple[Any, ...]]]) -> dict[int, dict[str, int]]:
    """Return list id → state → how many, of the people that `people` selects."""
    state = func.coalesce(exclusion, "mailable").label("state")
    counted = people(Membership.list_id, state, func.count()).group_by(Membership.list_id, state)
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for list_id, kind, number in connection.execute(counted):
        counts[list_id][kind] = number
    return counts
