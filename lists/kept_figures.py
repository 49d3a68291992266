"""Kept figures: counts of large lists, with the time of counting, for pages that show both.

Counting the people of a large list takes seconds. So a page is given the count that was kept, shows when that was, and
lets a worker count again. What was never counted is counted for the page, and if that takes too long, by a worker: the
page says so meanwhile. What sends or decides counts at that moment: only a connection that asks is given kept ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from psycopg.errors import QueryCanceled
from sqlalchemy import Connection, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from daisychain.errors import DaisychainError
from lists.tables import ListFigure, MailingList, Membership

# Lists of fewer people are counted each time, which takes some milliseconds.
LARGE = 5_000
KEEP, KEEP_SLOW = timedelta(minutes=1), timedelta(hours=1)  # older ones are counted again
LATE = timedelta(minutes=2)  # after which a worker should have counted what it was asked for
WAIT = 3.0  # seconds that a page waits for what was never counted
NEVER = datetime.fromtimestamp(0, UTC)  # when a figure was counted that a worker was only asked for
OPTION = "kept_figures"

# How each kind of figure is counted, by the first word of its name; the other words say of what.
COUNTS: dict[str, Callable[..., Any]] = {}
# Kinds that may take a minute: of a large list only a worker counts them, and they are kept for longer.
SLOW: set[str] = set()
Ask = Callable[[Connection, int, str, bool], bool]


class BeingCountedError(DaisychainError):
    """A worker counts what a page wants to show for the first time, and is `late` with it or not."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("The people of this list are being counted.")
        self.late = late


@dataclass
class KeptFigures:
    """The figures that are kept of large lists, by list and name, and when the oldest was counted that was given."""

    ask: Ask
    wait: float | None  # seconds that are left for counting
    rows: dict[int, dict[str, Any]] | None = None
    since: datetime | None = None
    asked: set[int] = field(default_factory=set)


def give_kept(connection: Connection, ask: Ask, wait: float | None = WAIT) -> None:
    """Let the reads of this connection be given kept figures, for a page that shows `counted_at`.

    `ask` has a worker count an old figure again, by its list and name. It is given whether this transaction has a job
    for the list already, and returns whether one is needed. Reads that need longer than `wait` seconds for figures that
    were never counted raise BeingCountedError; the transaction is to be kept, as it asks a worker.
    """
    connection.execution_options(**{OPTION: KeptFigures(ask, wait)})


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
    """Return a figure of a list as it was kept; counted now if none is, or if the list is not large.

    Raises BeingCountedError if that takes longer than this page is to wait.
    """
    if not is_kept(connection, list_id):
        return COUNTS[name[0]](connection, list_id, *name[1:])
    kept, key = connection.get_execution_options()[OPTION], orjson.dumps(name).decode()
    row = kept.rows[list_id].get(key)
    if row is None or (kept.wait is None and row.counted_at == NEVER):
        row = kept.rows[list_id][key] = _count_in_time(connection, kept, list_id, key)
    if row.age > (KEEP_SLOW if name[0] in SLOW else KEEP) and kept.ask(connection, list_id, key, list_id in kept.asked):
        kept.asked.add(list_id)
    if row.counted_at == NEVER:
        raise BeingCountedError(late=bool(row.late))
    kept.since = min(kept.since or row.counted_at, row.counted_at)
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
    (func.now() - ListFigure.counted_at).label("age"), (ListFigure.asked_at < func.now() - LATE).label("late"),
)  # fmt: skip


def count_now(connection: Connection, list_id: int, key: str) -> Any:
    """Count a figure of a list by the name that it is kept under, and keep it."""
    return _keep(connection, list_id, key, _count(connection, list_id, key), func.clock_timestamp())


def _count(connection: Connection, list_id: int, key: str) -> Any:
    kind, *of = orjson.loads(key)
    return COUNTS[kind](connection, list_id, *of)


def _count_in_time(connection: Connection, kept: KeptFigures, list_id: int, key: str) -> Any:
    """Count a figure, or keep it as one that was NEVER counted, so that a worker is asked for it."""
    if kept.wait is None:
        return count_now(connection, list_id, key)
    if orjson.loads(key)[0] in SLOW:
        return _keep(connection, list_id, key, None, NEVER)
    began = time.monotonic()
    try:
        with connection.begin_nested() as savepoint:
            limit = f"{max(1, round(kept.wait * 1000))}ms"
            connection.execute(select(func.set_config("statement_timeout", limit, True)))
            value = _count(connection, list_id, key)
            savepoint.rollback()  # of the limit
        return _keep(connection, list_id, key, value, func.clock_timestamp())
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return _keep(connection, list_id, key, None, NEVER)
    finally:
        kept.wait -= time.monotonic() - began


def _keep(connection: Connection, list_id: int, key: str, value: Any, counted_at: Any) -> Any:
    row = {"value": value, "counted_at": counted_at, "asked_at": None}
    kept = insert(ListFigure).values(list_id=list_id, name=key, **row)
    # What somebody else has counted meanwhile, or has asked a worker for, stays.
    change = {"name": key} if counted_at is NEVER else row
    kept = kept.on_conflict_do_update(index_elements=["list_id", "name"], set_=change)
    return connection.execute(kept.returning(*_COLUMNS)).one()
