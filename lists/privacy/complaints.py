"""A small log of complaints about data protection, each to be acknowledged within 30 days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from daisychain.errors import InputError, StateError
from lists.privacy.tables import PrivacyComplaint
from lists.restorations import require_given

# Data (Use and Access) Act 2025, section 103.
ACKNOWLEDGED_WITHIN = timedelta(days=30)
Done = InstrumentedAttribute[datetime | None]
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
    order = (table.closed_at.is_not(None), table.acknowledged_at.is_not(None), table.received_at)
    rows = connection.execute(select(table.__table__, _DUE_AT.label("due_at")).order_by(*order)).mappings()
    names = ("id", "received_at", "due_at", "contact", "about", "acknowledged_at", "closed_at", "outcome")
    return [
        KeptComplaint(**{name: row[name] for name in names}, state=_state(row["acknowledged_at"], row["closed_at"]))
        for row in rows
    ]


def open_complaints(connection: Connection) -> OpenComplaints:
    """Count the complaints that nobody has acknowledged."""
    late = func.count().filter(func.now() > _DUE_AT)
    waiting = select(func.count(), func.min(_DUE_AT), late).where(
        PrivacyComplaint.acknowledged_at.is_(None), PrivacyComplaint.closed_at.is_(None)
    )
    return OpenComplaints(*connection.execute(waiting).one())


def acknowledge_complaint(connection: Connection, number: int, *, by: str) -> None:
    """Write down that a complaint was acknowledged; raises InputError, StateError."""
    _change(connection, number, PrivacyComplaint.acknowledged_at, acknowledged_at=func.now(), acknowledged_by=by)


def close_complaint(connection: Connection, number: int, *, outcome: str, by: str) -> None:
    """Close a complaint with what came of it, which acknowledges it too; raises InputError, StateError."""
    outcome = require_given(outcome, "--outcome", "apologised; the address is suppressed")
    known = PrivacyComplaint.acknowledged_at
    _change(
        connection, number, PrivacyComplaint.closed_at, closed_at=func.now(), closed_by=by, outcome=outcome,
        acknowledged_at=func.coalesce(known, func.now()),
    )  # fmt: skip


def _change(
    connection: Connection, number: int, done: InstrumentedAttribute[datetime | None], **values: object
) -> None:
    this = PrivacyComplaint.id == number
    if connection.execute(update(PrivacyComplaint).where(this, done.is_(None)).values(**values)).rowcount:
        return
    if connection.scalar(select(PrivacyComplaint.id).where(this)) is None:
        raise InputError(f"There is no complaint {number}.", hint="See `daisychain complaint list`.")
    raise StateError(f"That was done already for complaint {number}.")


def _state(acknowledged_at: datetime | None, closed_at: datetime | None) -> str:
    return "closed" if closed_at else "acknowledged" if acknowledged_at else "open"
