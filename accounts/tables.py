"""The tables of accounts. Tokens and codes are stored as hashes only, so that a stolen backup opens nothing.

Other tables keep the name of the person who did something, not the account's id: an account can be removed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


def key() -> Mapped[int]:
    return mapped_column(Identity(), primary_key=True)


def now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


def owner() -> Mapped[int]:
    return mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)


class StaffAccount(Base):
    """A person who may sign in; `email` is in lower case. `totp_secret` is encrypted, `totp_step` was used last."""

    __tablename__ = "accounts"
    id: Mapped[int] = key()
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(server_default="0")
    made_by: Mapped[str]
    made_at: Mapped[datetime] = now()


class RecoveryCode(Base):
    """A code that replaces the second factor once; deleted when it is used."""

    __tablename__ = "recovery_codes"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class AccountSession(Base):
    """One browser that is signed in; `complete` once the second factor was given. `proved_at` is the last proof."""

    __tablename__ = "account_sessions"
    id: Mapped[int] = key()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    account_id: Mapped[int] = owner()
    complete: Mapped[bool]
    started_at: Mapped[datetime] = now()
    seen_at: Mapped[datetime] = now()
    proved_at: Mapped[datetime] = now()
    network: Mapped[str]
    browser: Mapped[str]


class AccountLink(Base):
    """A link that works once: `kind` is first-admin, invitation, reset or demo. Used and withdrawn ones are deleted."""

    __tablename__ = "account_links"
    id: Mapped[int] = key()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    kind: Mapped[str]
    email: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = now()
    ends_at: Mapped[datetime]


class AuditLine(Base):
    """One thing that was done, refused or failed at the desk; a trigger refuses every change of these rows."""

    __tablename__ = "audit"
    id: Mapped[int] = key()
    at: Mapped[datetime] = now()
    who: Mapped[str]
    role: Mapped[str]
    network: Mapped[str]
    right: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    outcome: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    __table_args__ = (Index("ix_audit_who", "who", "id"), Index("ix_audit_object", "object", "id"))
