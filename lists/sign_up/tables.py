"""The tables of signing up: the form of a list, the wordings that were shown, and who asked and confirmed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, LargeBinary, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base
from lists.tables import AddressKey


class SignUpForm(Base):
    """The sign-up form of a list: open or not, who it is for, and the toolkits that show it.

    `welcome` has the subject and the text of the welcome mail, by language.
    """

    __tablename__ = "sign_up_forms"
    __table_args__ = (CheckConstraint("who IN ('supporters', 'organisations')", name="who"),)

    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"), primary_key=True, autoincrement=False)
    is_open: Mapped[bool] = mapped_column(server_default="false")
    who: Mapped[str] = mapped_column(server_default="supporters")
    toolkits: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    welcome: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB, server_default="{}")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str] = mapped_column(server_default="")


class SignUpWording(Base):
    """The words that people agree to, in one language; a trigger refuses every change of these rows."""

    __tablename__ = "sign_up_wordings"
    __table_args__ = (UniqueConstraint("list_id", "language", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"))
    language: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    text: Mapped[str]
    hash: Mapped[str]  # SHA-256 of the text, in hex
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str] = mapped_column(server_default="")


class SignUp(Base):
    """One sign-up as it was typed: evidence of a consent once it is confirmed, and deleted after a month if it is not.

    `used_at` is when its link was used, or another link of the same person; `outcome` says what came of it. The network
    is hashed under a key: sign-ups from the same one can be seen, and which one it is can't.
    """

    __tablename__ = "sign_ups"
    __table_args__ = (
        Index("ix_sign_ups_list_id_address_key", "list_id", "address_key"),
        Index("ix_sign_ups_unconfirmed", "asked_at", postgresql_where="confirmed_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"))
    wording_id: Mapped[int] = mapped_column(ForeignKey("sign_up_wordings.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    address: Mapped[str]
    address_key: Mapped[str] = mapped_column(AddressKey)
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    organisation: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    partner: Mapped[str] = mapped_column(server_default="")  # the code of whose page it came from
    network_hash: Mapped[bytes] = mapped_column(LargeBinary)
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(server_default="")
    # What staff made of an organisation that asked to join.
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="SET NULL"))
