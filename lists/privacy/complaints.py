"""A small log of complaints about data protection, each to be acknowledged within 30 days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, insert, select, update

from daisychain.errors import InputError, StateError
from lists.privacy.tables import PrivacyComplaint
from lists.restorations import require_given

# Data (Use and Access) Act 2025, section 103.
ACKNOWLEDGED_WITHIN = timedelta(days=30)
_DUE_AT: ColumnElement[datetime] = PrivacyComplaint.received_at + ACKNOWLEDGED_WITHIN


@dataclass(frozen=True)
class KeptComplaint:
    """A complaint, and until when it must be acknowledged; `state` is open, acknowledged or closed."""

    id: int
    state: str
    received_at: datetime
    due_at: datetime
    contact: str
    about: str
    acknowledged_at: datetime | None
    closed_at: datetime | None
    outcome: str


@dataclass(frozen=True)
class OpenComplaints:
    """The number of complaints that wait to be acknowledged, until when the first, and how many are late."""

    waiting: int
    first_due: datetime | None
    late: int


def add_complaint(connection: Connection, about: str, *, contact: str = "", by: str) -> int:
    """Write a complaint down, and return its number; raises InputError if it is about nothing."""
    about = require_given(about, "What it is about", "got a mail after unsubscribing")
    values = {"about": about, "contact": contact.strip(), "added_by": by}
    return int(connection.execute(insert(PrivacyComplaint).values(values).returning(PrivacyComplaint.id)).scalar_one())


def list_complaints(connection: Connection) -> list[KeptComplaint]:
    """Return all complaints, those that wait the longest first, closed ones last."""
    table = PrivacyComplaint
    is_closed, is_acknowledged = table.closed_at.is_not(None), table.acknowledged_at.is_not(None)
    found = select(
        table.id, case((is_closed, "closed"), (is_acknowledged, "acknowledged"), else_="open"), table.received_at,
        _DUE_AT, table.contact, table.about, table.acknowledged_at, table.closed_at, table.outcome,
    ).order_by(is_closed, is_acknowledged, table.received_at)  # fmt: skip
    return [KeptComplaint(*row) for row in connection.execute(found)]


def open_complaints(connection: Connection) -> OpenComplaints:
    """Count the complaints that nobody has acknowledged."""
    late = func.count().filter(func.now() > _DUE_AT)
    waiting = select(func.count(), func.min(_DUE_AT), late).where(
        PrivacyComplaint.acknowledged_at.is_(None), PrivacyComplaint.closed_at.is_(None)
    )
    return OpenComplaints(*connection.execute(waiting).one())


def acknowledge_complaint(connection: Connection, number: int, *, by: str) -> None:
    """Write down that a complaint was acknowledged; raises InputError, StateError."""
    _change(connection, number, "acknowledged", by)


def close_complaint(connection: Connection, number: int, *, outcome: str, by: str) -> None:
    """Close a complaint with what came of it, which acknowledges it too; raises InputError, StateError."""
    outcome = require_given(outcome, "--outcome", "apologised; the address is suppressed")
    acknowledged_at = func.coalesce(PrivacyComplaint.acknowledged_at, func.now())
    _change(connection, number, "closed", by, outcome=outcome, acknowledged_at=acknowledged_at)


def _change(connection: Connection, number: int, what: str, by: str, **values: Any) -> None:
    this, done_at = PrivacyComplaint.id == number, getattr(PrivacyComplaint, f"{what}_at")
    values |= {f"{what}_at": func.now(), f"{what}_by": by}
    if connection.execute(update(PrivacyComplaint).where(this, done_at.is_(None)).values(values)).rowcount:
        return
    if connection.scalar(select(PrivacyComplaint.id).where(this)) is None:
        raise InputError(f"There is no complaint {number}.", hint="See `daisychain complaint list`.")
    raise StateError(f"That was done already for complaint {number}.")
