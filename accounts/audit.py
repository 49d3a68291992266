"""The audit log: who did what at the desk, and what was refused. Lines are added, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select

from accounts.tables import AuditLine
from daisychain.clock import home_zone

PAGE = 100


@dataclass(frozen=True)
class Entry:
    """One thing that somebody did; `details` has what was before and after, never secrets or members' data."""

    who: str
    role: str
    network: str
    right: str
    action: str
    object: str
    outcome: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class AuditFilter:
    """Which lines to show; empty parts are not asked for. `before` is the id that the last page ended with."""

    who: str = ""
    object: str = ""
    action: str = ""
    outcome: str = ""
    since: date | None = None
    before: int | None = None


def record_entry(connection: Connection, entry: Entry) -> None:
    """Add a line in the caller's transaction."""
    connection.execute(insert(AuditLine).values(**vars(entry)))


def record_command(connection: Connection, who: str, action: str, object_: str) -> None:
    """Add a line for something done at the command line of this machine, by a user of its system."""
    record_entry(connection, Entry(f"{who} (command line)", "", "", "", action, object_, "done", {}))


def read_audit(connection: Connection, asked: AuditFilter, *, at_most: int | None = PAGE) -> Iterator[AuditLine]:
    """Return the lines that fit, the newest first."""
    columns = tuple(AuditLine.__table__.columns)
    found = _fitting(select(*columns), asked).order_by(AuditLine.id.desc())
    yield from connection.execute(found.limit(at_most)).all()  # type: ignore[misc]


def _fitting(query: Select[Any], asked: AuditFilter) -> Select[Any]:
    for column, text in (
        (AuditLine.who, asked.who),
        (AuditLine.object, asked.object),
        (AuditLine.action, asked.action),
    ):
        if text.strip():
            query = query.where(func.strpos(func.lower(column), text.strip().lower()) > 0)
    if asked.outcome:
        query = query.where(AuditLine.outcome == asked.outcome)
    if asked.since:
        query = query.where(AuditLine.at >= datetime.combine(asked.since, datetime.min.time(), home_zone()))
    return query if asked.before is None else query.where(AuditLine.id < asked.before)
