"""The tables of people's rights: who was forgotten (by a keyed hash only), corrections, and complaints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class Erasure(Base):
    """A person who was forgotten: a keyed hash of the address (lists/privacy/address_hash.py), and sums.

    While it is not lifted, nothing but the person's own confirmed sign-up brings the address back. Rows of the member's
    consent may be deleted because `member_id` is here.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        Index("uq_erasures_address_hash", "address_hash", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int | None] = mapped_column(index=True)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by: Mapped[str] = mapped_column(server_default="")
    because: Mapped[str] = mapped_column(server_default="")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    lifted_at: Mapped[datetime | None]  # they signed up again themselves


class MemberChange(Base):
    """A correction of a member's record, or a restriction of its use, with what it was before; rows are only added."""

    __tablename__ = "member_changes"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    what: Mapped[str]  # corrected, restricted, restriction lifted
    by: Mapped[str] = mapped_column(server_default="")
    because: Mapped[str] = mapped_column(server_default="")
    before: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    after: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class PrivacyComplaint(Base):
    """A complaint about data protection, which the law wants acknowledged within 30 days."""

    __tablename__ = "complaints"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    contact: Mapped[str] = mapped_column(server_default="")  # how to answer: an address or a telephone number
    about: Mapped[str]
    added_by: Mapped[str] = mapped_column(server_default="")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(server_default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")
    outcome: Mapped[str] = mapped_column(server_default="")
