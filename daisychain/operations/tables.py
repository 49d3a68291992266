"""The table of operations: what the doctor found when the desk asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class Examination(Base):
    """One look at everything that is set up; it is under way until `ended_at`."""

    __tablename__ = "examinations"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
