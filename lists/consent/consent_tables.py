"""The tables of the consent ledger. Triggers refuse every change of them; rows are deleted only with an erased person.

What many people's events have in common is a row of `consent_terms`, so that an import writes narrow events.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base

# given, returned: subscribed, on the event's terms. withdrawn: unsubscribed; the terms say by which way.
# restored: subscribed again on the terms of before, because the withdrawal was a mistake.
# corrected: other terms, and subscribed or not as before. undone: never on the list, because an import was undone.
KINDS = ("given", "withdrawn", "returned", "restored", "corrected", "undone")
PURPOSES = ("bulletins", "reading")


class ConsentWording(Base):
    """The exact words that somebody agreed to; versions count by list, source and language."""

    __tablename__ = "consent_wordings"
    __table_args__ = (UniqueConstraint("list_id", "source", "language", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int]
    source: Mapped[str]
    language: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    text: Mapped[str]
    hash: Mapped[str]  # SHA-256 of the text, in hex
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ConsentTerms(Base):
    """The ground of an event: the basis, the words, where it came from, who collected it, and who recorded it."""

    __tablename__ = "consent_terms"
    # Found by its source. A hash, because a B-tree takes no text of more than 2,700 bytes.
    __table_args__ = (Index("ix_consent_terms_source", "source", postgresql_using="hash"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    basis: Mapped[str] = mapped_column(server_default="")
    wording_id: Mapped[int | None]
    source: Mapped[str] = mapped_column(server_default="")
    collected_by: Mapped[str] = mapped_column(server_default="")
    import_id: Mapped[int | None]
    by: Mapped[str] = mapped_column(server_default="")


class ConsentEvent(Base):
    """One thing that a person, or somebody for them, said about one purpose of one list.

    `at` is when they said it, NULL if that is unknown; `recorded_at` is when this row was written.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
    )

    # No foreign keys and no index by list: a million new rows pay for each, and only reports of a whole list scan.
    member_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int]
    terms_id: Mapped[int]
    at: Mapped[datetime | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    purpose: Mapped[str] = mapped_column(server_default="bulletins")
    kind: Mapped[str]
    evidence: Mapped[str] = mapped_column(server_default="")
