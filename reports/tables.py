"""The tables of reports: what is worked out once for each state of a campaign's figures, and kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, func
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
