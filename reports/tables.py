"""The tables of reports: what is worked out once and kept, and what staff add to a campaign's report."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, LargeBinary, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class KeptBreakdown(Base):
    """A campaign's people over time and by mailbox provider; right as long as the campaign is still in `state`."""

    __tablename__ = "report_breakdowns"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    counted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KeptChart(Base):
    """A chart as SVG or PNG; `key` is a digest of all that it shows, so it never goes stale."""

    __tablename__ = "report_charts"
    key: Mapped[str] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    drawn_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffNote(Base):
    """A note on a day that may explain a campaign's figures, such as "press story"."""

    __tablename__ = "report_notes"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    day: Mapped[date]
    content: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReportMail(Base):
    """A report to be mailed `hours` after a campaign's last mail left; `state` is waiting, sent, or cancelled."""

    __tablename__ = "report_mails"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    addresses: Mapped[list[str]] = mapped_column(JSONB)
    hours: Mapped[int]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(server_default="waiting")
    ended_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(server_default="")  # why it was not mailed when it was due

    __table_args__ = (CheckConstraint("state IN ('waiting', 'sent', 'cancelled')", name="state"),)


class ReportLink(Base):
    """A link that shows one campaign's report without signing in, until it expires or is revoked."""

    __tablename__ = "report_links"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    for_whom: Mapped[str] = mapped_column(server_default="")
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(server_default="")
    uses: Mapped[int] = mapped_column(server_default="0")
    used_at: Mapped[datetime | None]
