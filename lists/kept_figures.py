"""Kept figures: counts of large lists, with the time of counting, for pages that show both.

Counting the people of a large list takes seconds. So a page is given the count that was kept, shows when that was, and
lets a worker count again. What sends or decides counts at that moment: only a connection that asks is given kept ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from lists.tables import ListFigure, MailingList, Membership

# Lists of fewer people are counted each time, which takes some milliseconds.
LARGE = 5_000
KEEP = timedelta(minutes=1)  # older ones are counted again
OPTION = "kept_figures"

# How each kind of figure is counted, by the first word of its name; the other words say of what.
COUNTS: dict[str, Callable[..., Any]] = {}


@dataclass
class KeptFigures:
    """The figures that are kept of large lists, by list and name, and when the oldest was counted that was given."""

    ask: Callable[[Connection, int], None]
    rows: dict[int, dict[str, Any]] | None = None
    since: datetime | None = None
    asked: set[int] = field(default_factory=set)


def give_kept(connection: Connection, ask: Callable[[Connection, int], None]) -> None:
    """Let the reads of this connection be given kept figures, for a page that shows `counted_at`.

    `ask` has a worker count the figures of a list again, by its id.
    """
    connection.execution_options(**{OPTION: KeptFigures(ask)})


def counted_at(connection: Connection) -> datetime | None:
    """Return when the oldest figure was counted that this connection was given; None if all were counted now."""
    given: KeptFigures | None = connection.get_execution_options().get(OPTION)
    return given.since if given else None


def is_kept(connection: Connection, list_id: int) -> bool:
    """Whether this connection is given kept figures of a list."""
    given: KeptFigures | None = connection.get_execution_options().get(OPTION)
    if given and given.rows is None:
        given.rows = _read(connection)
    return bool(given and given.rows and list_id in given.rows)


def figure(connection: Connection, list_id: int, *name: str) -> Any:
    """Return a figure of a list as it was kept; counted now if none is, or if the list is not large."""
    if not is_kept(connection, list_id):
        return COUNTS[name[0]](connection, list_id, *name[1:])
    kept, key = connection.get_execution_options()[OPTION], orjson.dumps(name).decode()
    row = kept.rows[list_id].get(key)
    if row is None:
        row = kept.rows[list_id][key] = count_now(connection, list_id, key)
    kept.since = min(kept.since or row.counted_at, row.counted_at)
    if row.old and list_id not in kept.asked:
        kept.asked.add(list_id)
        kept.ask(connection, list_id)
    return row.value


def _read(connection: Connection) -> dict[int, dict[str, Any]]:
    """Return the kept figures of each large list, by name."""
    place = select(Membership.list_id).where(Membership.list_id == MailingList.id).offset(LARGE).limit(1)
    known = exists().where(ListFigure.list_id == MailingList.id)
    large = select(MailingList.id).where(or_(known, place.correlate(MailingList).exists()))
    found: dict[int, dict[str, Any]] = {id_: {} for id_ in connection.scalars(large)}
    for row in connection.execute(select(*_COLUMNS)) if found else ():
        found.get(row.list_id, {})[row.name] = row
    return found


_COLUMNS = (
    ListFigure.list_id, ListFigure.name, ListFigure.value, ListFigure.counted_at,
    (ListFigure.counted_at < func.now() - KEEP).label("old"),
)  # fmt: skip


def count_now(connection: Connection, list_id: int, key: str) -> Any:
    """Count a figure of a list by the name that it is kept under, and keep it."""
    kind, *of = orjson.loads(key)
    value = COUNTS[kind](connection, list_id, *of)
    row = {"value": value, "counted_at": func.clock_timestamp(), "asked_at": None}
    kept = insert(ListFigure).values(list_id=list_id, name=key, **row)
    kept = kept.on_conflict_do_update(index_elements=["list_id", "name"], set_=row)
    return connection.execute(kept.returning(*_COLUMNS)).one()
