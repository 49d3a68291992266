"""The audit log: who did what at the desk, and what was refused. Lines are added, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, insert, select

from accounts.tables import AuditLine
from daisychain.clock import home_zone

PAGE = 100
LOOKED_THROUGH = 100_000  # lines


@dataclass(frozen=True)
class AuditFilter:
    """Which lines to show; empty parts are not asked for. `before` is the id that the last page ended with."""

    who: str = ""
    object: str = ""
    action: str = ""
    outcome: str = ""
    since: date | None = None
    before: int | None = None


def record(
    connection: Connection, who: str, action: str, object_: str, outcome: str = "done", *, role: str = "",
    network: str = "", right: str = "", details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Add a line in the caller's transaction; `details` has before and after, never secrets or members' data."""
    connection.execute(insert(AuditLine).values(
        who=who, action=action, object=object_, outcome=outcome, role=role, network=network, right=right,
        details=dict(details or {}),
    ))  # fmt: skip


def record_command(connection: Connection, who: str, action: str, object_: str, **details: str) -> None:
    """Add a line for something done at the command line of this machine, by a user of its system."""
    record(connection, f"{who} (command line)", action, object_, details=details)


class AuditPage(NamedTuple):
    """Some lines, the newest first, and the id before which the next page begins, if there may be older ones."""

    lines: Sequence[Any]
    older: int | None


def audit_page(connection: Connection, asked: AuditFilter) -> AuditPage:
    """Return the newest lines that fit, of as many as can be looked through at once: the log only grows."""
    newest = asked.before or (connection.scalar(select(func.max(AuditLine.id))) or 0) + 1
    oldest = newest - LOOKED_THROUGH
    lines = connection.execute(_fitting(asked).where(AuditLine.id >= oldest).limit(PAGE)).all()
    return AuditPage(lines, lines[-1].id if len(lines) == PAGE else oldest if oldest > 1 else None)


def read_audit(connection: Connection, asked: AuditFilter, *, at_most: int) -> Iterator[Any]:
    """Return the lines that fit, the newest first."""
    yield from connection.execute(_fitting(asked).limit(at_most))


def _fitting(asked: AuditFilter) -> Select[Any]:
    query: Select[Any] = select(*AuditLine.__table__.columns).order_by(AuditLine.id.desc())
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
