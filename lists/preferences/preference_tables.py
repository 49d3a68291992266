"""The table of reasons for leaving: counts by list, day and reason, and nothing about who gave them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class LeavingReason(Base):
    """A count of the people who gave a reason for leaving a list on one day."""

    __tablename__ = "leaving_reasons"

    list_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    people: Mapped[int] = mapped_column(Integer)
