"""The tables of member organisations: what is known of each, its contacts, and what it did.

The bare organisation (id, code, name) is in lists, and the register of codes in newsletters.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base
from lists.tables import AddressKey


class OrganisationProfile(Base):
    """The profile of an organisation, for its packs and for the coalition; `version` counts the changes.

    Logos are hashes of images. `notes` are the columns of the coalition's own file that nothing here uses.
    `link_number` counts how often its private link was replaced; `updated_by` is a name, or `private link`.
    """

    __tablename__ = "organisation_profiles"

    organisation_id: Mapped[int] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    website: Mapped[str] = mapped_column(server_default="")
    reply: Mapped[str] = mapped_column(server_default="")
    address: Mapped[str] = mapped_column(server_default="")
    charity_number: Mapped[str] = mapped_column(server_default="")
    intro: Mapped[str] = mapped_column(server_default="")
    colour: Mapped[str] = mapped_column(server_default="")
    tool: Mapped[str] = mapped_column(server_default="")  # keys of dialects, with commas
    languages: Mapped[str] = mapped_column(server_default="")  # codes, with commas
    region: Mapped[str] = mapped_column(server_default="")
    logo: Mapped[str] = mapped_column(server_default="")
    logo_white: Mapped[str] = mapped_column(server_default="")
    logo_square: Mapped[str] = mapped_column(server_default="")
    notes: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    link_number: Mapped[int] = mapped_column(Integer, server_default="0")
    version: Mapped[int] = mapped_column(Integer, server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str] = mapped_column(server_default="")


class OrganisationContact(Base):
    """A person at an organisation; `receives` says that mail for it goes there.

    One that came by the private page has `suggested_at` until staff accept it, and receives nothing before.
    """

    __tablename__ = "organisation_contacts"
    __table_args__ = (UniqueConstraint("organisation_id", "address_key"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str]
    address_key: Mapped[str] = mapped_column(AddressKey)
    receives: Mapped[bool] = mapped_column(server_default=text("true"))
    suggested_at: Mapped[datetime | None]


class PartnerEvent(Base):
    """One thing that an organisation did, or that happened to it; without an organisation, somebody unknown did it.

    `kind` is opened, looked, taken, pictures, signed_up, reached or changed. No person's data is in `detail`. What
    anybody can do as often as they like is counted in one row a `day`: the table grows with days, not with visitors.
    """

    __tablename__ = "partner_events"
    __table_args__ = (
        Index("ix_partner_events_organisation_id_at", "organisation_id", "at"),
        Index("ix_partner_events_toolkit_kind_at", "toolkit", "kind", "at"),
        Index(
            "uq_partner_events_day", "day", "organisation_id", "kind", "toolkit", "newsletter", "tool", "language",
            unique=True, postgresql_where=text("day IS NOT NULL"), postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    toolkit: Mapped[str] = mapped_column(server_default="")
    newsletter: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    tool: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    times: Mapped[int] = mapped_column(server_default="1")
    day: Mapped[date | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class HandOut(Base):
    """A message to organisations about a toolkit, with each one's private link; a draft until it has a campaign.

    `choice` says which organisations; `kind` "changes" lists to each what changed in its packs.
    """

    __tablename__ = "hand_outs"
    __table_args__ = (CheckConstraint("kind IN ('hand-out', 'changes')", name="kind"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(server_default="hand-out")
    toolkit: Mapped[str]
    newsletter: Mapped[str] = mapped_column(server_default="")
    choice: Mapped[dict[str, Any]]
    language: Mapped[str] = mapped_column(server_default="en")
    sender: Mapped[str]
    subject: Mapped[str]
    message: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    campaign_id: Mapped[int | None] = mapped_column(unique=True)


class HandOutMail(Base):
    """One mail of a hand-out: its delivery, and the organisation and contact whose private link it has."""

    __tablename__ = "hand_out_mails"

    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hand_out_id: Mapped[int] = mapped_column(ForeignKey("hand_outs.id", ondelete="CASCADE"), index=True)
    # No foreign keys: the mails of a contact or an organisation that is gone are still in the ledger.
    organisation_id: Mapped[int] = mapped_column(index=True)
    contact_id: Mapped[int]


class ToldChange(Base):
    """A change of one pack that a mail reported to an organisation, so that none does so again."""

    __tablename__ = "told_changes"

    organisation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[str] = mapped_column(primary_key=True)  # a hash of the pack, its state, and why
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class MailedPack(Base):
    """A pack that was mailed to a contact as a link; used once, or after a week, its content is gone."""

    __tablename__ = "mailed_packs"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    content: Mapped[bytes | None]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
