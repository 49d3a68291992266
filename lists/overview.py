"""Overviews: what a list looks like today, counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, select

from lists.audience import PAUSED, RESTRICTED, SUPPRESSED, UNSUBSCRIBED, everybody, exclusion
from lists.kept_figures import COUNTS, figure, is_kept
from lists.list_people import open_people
from lists.lists import find_list
from lists.tables import MailingList, Membership, Suppression

MAILABLE = "mailable"


def overview_of_all(connection: Connection) -> list[dict[str, Any]]:
    """Each list by name: sender, tracking, and how many may be mailed, have left, are suppressed."""
    rows = connection.execute(select(MailingList.__table__).order_by(MailingList.name)).mappings().all()
    counts = _of_all(connection, rows)
    return [_overview(row, counts[row["id"]]) for row in rows]


def overview(connection: Connection, name: str) -> dict[str, Any]:
    """One list: as above, with consent by basis and how full each field is, of the people who may be mailed."""
    row = find_list(connection, name)
    people = open_people(connection, name)
    counts = figure(connection, row["id"], "why")
    return {**_overview(row, counts), "basis": people.basis(), "fields": people.filled}


def excluded_by(connection: Connection, name: str) -> dict[str, int]:
    """Count the people who were on a list and may not be mailed, by why: unsubscribed, or what suppressed them."""
    return _excluded(figure(connection, find_list(connection, name)["id"], "why"))


def excluded_of_all(connection: Connection) -> dict[str, dict[str, int]]:
    """Count them for each list, by its name."""
    rows = connection.execute(select(MailingList.id, MailingList.name)).mappings().all()
    counts = _of_all(connection, rows)
    return {row["name"]: _excluded(counts[row["id"]]) for row in rows}


def _excluded(counts: dict[str, int]) -> dict[str, int]:
    return {why: people for why, people in counts.items() if why != MAILABLE}


def _overview(row: Any, counts: dict[str, int]) -> dict[str, Any]:
    kept = (
        "name", "title", "reply_to", "tracking", "opens", "clicks", "decided_by", "because", "decided_at", "created_at",
        "dimensions", "archive", "archive_indexed",
    )  # fmt: skip
    sender = {"from": f"{row['from_name']} <{row['from_address']}>"}
    people = {why: counts.get(why, 0) for why in (MAILABLE, UNSUBSCRIBED, RESTRICTED, PAUSED)}
    suppressed = sum(counts.values()) - sum(people.values())
    return {**sender, **{key: row[key] for key in kept}, **people, SUPPRESSED: suppressed}


def _of_all(connection: Connection, rows: Sequence[RowMapping]) -> dict[int, dict[str, int]]:
    """Return the counts of each list by its id, those that are not kept in one statement."""
    now = _count(connection, [row["id"] for row in rows if not is_kept(connection, row["id"])])
    return {id_: now.get(id_) or figure(connection, id_, "why") for id_ in (row["id"] for row in rows)}


def _count(connection: Connection, list_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return list id → why somebody is not mailed, or MAILABLE → how many people, the most first."""
    why = case((exclusion == SUPPRESSED, Suppression.reason), else_=func.coalesce(exclusion, MAILABLE))
    people = everybody(Membership.list_id, why.label("why"), func.count()).where(Membership.list_id.in_(list_ids))
    counts: dict[int, dict[str, int]] = {list_id: {} for list_id in list_ids}
    for list_id, name, number in connection.execute(people.group_by("list_id", "why").order_by(func.count().desc())):
        counts[list_id][name] = number
    return counts


COUNTS["why"] = lambda connection, list_id: _count(connection, [list_id])[list_id]
