"""The tables of uploads: files in slices, and imports that are being prepared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class Upload(Base):
    """A file that is being sent or was sent, until `keep_until`; `mark` tells it from another of its name and size."""

    __tablename__ = "uploads"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    size: Mapped[int]
    mark: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    keep_until: Mapped[datetime]


class UploadSlice(Base):
    """One slice of a file, all of the same size but the last; stored outside the row and as it is (migration)."""

    __tablename__ = "upload_slices"

    upload_id: Mapped[int] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportDraft(Base):
    """An import on its way through the wizard, and what a worker is doing about it.

    `found` is what was recognised, `choices` what people decided, `result` what a check, an import or an undo counted.
    """

    __tablename__ = "import_drafts"
    # A second import into a list waits until the first is done: its own check would no longer be true.
    __table_args__ = (
        Index("uq_import_drafts_importing", "list_id", unique=True, postgresql_where=text("state = 'importing'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"), index=True)
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("uploads.id", ondelete="SET NULL"))
    refused_id: Mapped[int | None] = mapped_column(ForeignKey("uploads.id", ondelete="SET NULL"))
    import_id: Mapped[int | None]
    file: Mapped[str]
    by: Mapped[str]
    state: Mapped[str]
    choices: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    found: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    result: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    problem: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))  # message and hint
    tries: Mapped[int] = mapped_column(server_default="0")
    doing: Mapped[str] = mapped_column(server_default="")
    done: Mapped[int] = mapped_column(server_default="0")  # bytes of `size`
    size: Mapped[int] = mapped_column(server_default="0")
    moved_at: Mapped[datetime] = mapped_column(server_default=func.now())
