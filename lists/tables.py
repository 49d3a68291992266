"""The tables of this room: members, lists, consent, suppressions, what was taken back, and member organisations."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base

# The standard fields of a member; every other field lives in `Member.fields`.
STANDARD_FIELDS = ("email", "first_name", "last_name", "language")
# How people leave on our pages; what they changed there can be undone for an hour.
BY_PAGE = "unsubscribe page"
BY_PREFERENCES = "preferences page"
ONE_CLICK = "one-click"
FIELD = re.compile(r"[a-z][a-z0-9_]{0,59}")

# Addresses are compared byte by byte: it is what we mean, and a human collation sorts them far slower.
AddressKey = Text(collation="C")


class Member(Base):
    """A person with one address. `address_key` is the address as it is compared, see lists/addresses.py."""

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str]
    address_key: Mapped[str] = mapped_column(AddressKey, unique=True)
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    fields: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # They asked that their data be kept and not used: not mailed, not profiled (lists/privacy/).
    restricted_at: Mapped[datetime | None]


class MailingList(Base):
    """A list: who may be mailed about what, by which sender, what is counted, and who decided that."""

    __tablename__ = "lists"
    __table_args__ = (
        CheckConstraint("opens IN ('off', 'on')", name="opens"),
        CheckConstraint("clicks IN ('off', 'on')", name="clicks"),
        CheckConstraint("tracking IN ('off', 'counted', 'per person')", name="tracking"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(server_default="")  # the name for readers
    from_name: Mapped[str]
    from_address: Mapped[str]
    reply_to: Mapped[str] = mapped_column(server_default="")
    # How reading is recorded (lists/lists.py explains the modes), and what of it.
    tracking: Mapped[str] = mapped_column(server_default="counted")
    opens: Mapped[str] = mapped_column(server_default="on")
    clicks: Mapped[str] = mapped_column(server_default="on")
    decided_by: Mapped[str] = mapped_column(server_default="")
    because: Mapped[str] = mapped_column(server_default="")
    # Other names of the organisation that sends it, under which contacts may have been collected.
    also_named: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    # The fields of its members that reports may count people by; each freeze keeps their values.
    dimensions: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    decided_at: Mapped[datetime | None]
    # Whether everybody may read its past bulletins, and search engines may list them (sender/archive).
    archive: Mapped[bool] = mapped_column(server_default="false")
    archive_indexed: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Membership(Base):
    """One member's place on one list, and the consent it rests on; the row stays when the member leaves.

    Each change is an event of the consent ledger too (lists/consent), written in the same transaction.
    """

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("state IN ('subscribed', 'unsubscribed')", name="state"),)

    # No foreign keys: of the 28 s of CPU that a million new rows cost, they took 13, and only an import writes here.
    list_id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default="subscribed")
    basis: Mapped[str] = mapped_column(server_default="unknown")
    source: Mapped[str] = mapped_column(server_default="")
    consented_at: Mapped[datetime | None]
    collected_by: Mapped[str] = mapped_column(server_default="")  # the organisation, if it is known
    joined_at: Mapped[datetime] = mapped_column(server_default=func.now())
    left_at: Mapped[datetime | None]
    left_how: Mapped[str] = mapped_column(server_default="")
    # Whether they agreed that their own reading is recorded; NULL if nobody asked them.
    reads_agreed: Mapped[bool | None]
    # Until then the person wants no mail of this list; it ends by itself (lists/preferences).
    paused_until: Mapped[datetime | None]


class ListFigure(Base):
    """A count of a large list's people, and when it was made; `name` is its kind and what it is of, as JSON.

    `asked_at` is when a worker was asked to count again, until it has.
    """

    __tablename__ = "list_figures"

    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    counted_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]


class Suppression(Base):
    """An address that must not be mailed, and why; it stands for the address and outlives the member."""

    __tablename__ = "suppressions"

    address_key: Mapped[str] = mapped_column(AddressKey, primary_key=True)
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    note: Mapped[str] = mapped_column(server_default="")


class Import(Base):
    """One import into a list: the file, the time, the person, and what it did. It can be undone for seven days.

    Rows that it made have its time as their own: memberships.joined_at, memberships.left_at, members.created_at and
    suppressions.at, because all are the start of one transaction. So nothing needs to be written about them here.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    file: Mapped[str]
    by: Mapped[str] = mapped_column(server_default="")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(server_default="")


class ImportChange(Base):
    """Values of a member or a consent before and after an import changed them, for as long as it can be undone."""

    __tablename__ = "import_changes"
    __table_args__ = (CheckConstraint("what IN ('member', 'consent')", name="what"),)

    import_id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[dict[str, object]] = mapped_column(JSONB)
    after: Mapped[dict[str, object]] = mapped_column(JSONB)


class Restoration(Base):
    """A membership, or without a list a suppression, that was taken back; rows are only inserted."""

    __tablename__ = "restorations"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    address_key: Mapped[str] = mapped_column(AddressKey, index=True)
    list_id: Mapped[int | None]
    how: Mapped[str]
    because: Mapped[str] = mapped_column(server_default="")
    evidence: Mapped[str] = mapped_column(server_default="")
    before: Mapped[dict[str, str | None]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class MemberOrganisation(Base):
    """A member organisation of the coalition; its `code` is in the links of its packs, and its own for life."""

    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
