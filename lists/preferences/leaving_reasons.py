"""Why people leave a list, if they like to say: counted by list and day, without the person."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Date, ForeignKey, Integer, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base

REASONS = ("too many", "not for me", "never asked", "other")


class LeavingReason(Base):
    """A count of the people who gave a reason for leaving a list on one day."""

    __tablename__ = "leaving_reasons"

    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int] = mapped_column(Integer)


def count_reason(connection: Connection, list_id: int, reason: str, *, undone: bool = False) -> None:
    """Count one person who left for one of `REASONS`, or one fewer; anything else counts nothing."""
    if reason not in REASONS:
        return
    one = -1 if undone else 1
    new = upsert(LeavingReason).values(list_id=list_id, day=func.current_date(), reason=reason, people=one)
    added = {"people": LeavingReason.people + one}
    connection.execute(new.on_conflict_do_update(index_elements=["list_id", "day", "reason"], set_=added))


def reasons_for_leaving(connection: Connection, list_id: int) -> dict[str, int]:
    """Return how many people gave each reason for leaving a list, the most first."""
    total = func.sum(LeavingReason.people)
    rows = select(LeavingReason.reason, total).where(LeavingReason.list_id == list_id).group_by(LeavingReason.reason)
    return {reason: int(people) for reason, people in connection.execute(rows.having(total > 0).order_by(total.desc()))}
