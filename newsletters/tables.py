"""The tables of newsletters: toolkits that were added, images by content, emails as sent, and texts being written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class StoredToolkit(Base):
    """A toolkit that was added, so that all machines of the installation share it."""

    __tablename__ = "toolkits"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    content_hash: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ToolkitFile(Base):
    """One file of an added toolkit, as it was in its folder."""

    __tablename__ = "toolkit_files"

    toolkit: Mapped[str] = mapped_column(ForeignKey("toolkits.name", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class ToolkitDraft(Base):
    """A toolkit as it is edited in the desk; its files are in the version with the number `version`.

    `based_on` is the content hash of what was published when the draft last agreed with it; empty if nothing was.
    `writers` has the people who changed a file since it was last approved, by path; `changed` the version in which each
    file last changed; `approved` the hash of each copy block that a second person approved.
    """

    __tablename__ = "toolkit_drafts"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    content_hash: Mapped[str]
    based_on: Mapped[str]
    changed: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    writers: Mapped[dict[str, list[str]]] = mapped_column(JSONB, server_default="{}")
    approved: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str]


class ToolkitVersion(Base):
    """A whole state of a toolkit: its files, by hash. Rows are added, and never changed.

    `kind` is saved, published, added (by command, or with Daisychain) or collided; a collided one was refused, and has
    the version that it began with.
    """

    __tablename__ = "toolkit_versions"
    __table_args__ = (
        Index(
            "ix_toolkit_versions_toolkit_version", "toolkit", "version", unique=True,
            postgresql_where=text("kind <> 'collided'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    toolkit: Mapped[str] = mapped_column(ForeignKey("toolkit_drafts.name", ondelete="CASCADE"))
    version: Mapped[int]
    kind: Mapped[str]
    files: Mapped[dict[str, str]] = mapped_column(JSONB)
    by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class ToolkitContent(Base):
    """The content of a draft's file, by its SHA-256 in hex: a picture is stored once, however many versions have it."""

    __tablename__ = "toolkit_contents"

    hash: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class StoredImage(Base):
    """An image by the SHA-256 of its content, in hex; mails link to it for as long as they are read."""

    __tablename__ = "images"

    hash: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    content: Mapped[bytes]
    name: Mapped[str]


class StoredEmail(Base):
    """A compiled email, whole and never changed; `hash` is that of its content."""

    __tablename__ = "compiled_emails"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MadePack(Base):
    """A partner pack that was made; `key` is the end of its public page's address, an empty partner is nobody's.

    `sheets` are the SHA-256 (hex) of each pack.json that was handed out under that key.
    """

    __tablename__ = "made_packs"
    __table_args__ = (Index("ix_made_packs_newsletter", "toolkit", "newsletter", "made_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    newsletter: Mapped[str]
    title: Mapped[str]
    edition: Mapped[str]
    toolkit: Mapped[str]
    coalition: Mapped[str]
    partner: Mapped[str]
    dialect: Mapped[str]
    expires: Mapped[date | None]
    copy_blocks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    sheets: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    withdrawn_at: Mapped[datetime | None]
    withdrawn_why: Mapped[str] = mapped_column(server_default="")


class PackPartner(Base):
    """A partner and its code, which no other partner ever gets; one that changed its code has a row for each.

    `notes` are the columns of its row that packs don't use.
    """

    __tablename__ = "pack_partners"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    reply: Mapped[str] = mapped_column(server_default="")
    notes: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OfferedNewsletter(Base):
    """A newsletter whose packs without branding anybody may take from its toolkit's page."""

    __tablename__ = "offered_newsletters"

    toolkit: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    source: Mapped[str]
    offered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OfferPicture(Base):
    """The picture of an offered newsletter, a WebP; empty if it could not be shown.

    `state` is the hash of its toolkit's content when it was drawn; what is offered again is drawn again.
    """

    __tablename__ = "offer_pictures"
    __table_args__ = (
        ForeignKeyConstraint(
            ["toolkit", "newsletter"], ["offered_newsletters.toolkit", "offered_newsletters.name"], ondelete="CASCADE"
        ),
    )

    toolkit: Mapped[str] = mapped_column(primary_key=True)
    newsletter: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    content: Mapped[bytes]


class StoredNewsletter(Base):
    """A newsletter that staff write together; its text is that of the saved version with the number `version`.

    `name` is one word and stays, as campaigns and commands use it; `title` is what people see.
    """

    __tablename__ = "newsletters"
    __table_args__ = (Index("ix_newsletters_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    title: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str]
    deleted_at: Mapped[datetime | None]


class NewsletterSave(Base):
    """A whole state of a newsletter: its texts by language, and its pictures, by hash, and its brand, by path.

    `kind` is auto, kept, tested, sent or collided; a collided one was refused and has the version that it began with.
    `since` is the first save of those that are one row. `undone_to` is the version that an undo went back to.
    """

    __tablename__ = "newsletter_saves"
    __table_args__ = (
        Index(
            "ix_newsletter_saves_newsletter_id_version", "newsletter_id", "version", unique=True,
            postgresql_where=text("kind <> 'collided'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(ForeignKey("newsletters.id", ondelete="CASCADE"))
    version: Mapped[int]
    kind: Mapped[str]
    content: Mapped[dict[str, Any]]
    by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    undone_to: Mapped[int | None]


class NewsletterThumbnail(Base):
    """The small picture of a newsletter, a JPEG of that version; empty if it could not be shown."""

    __tablename__ = "newsletter_thumbnails"

    newsletter_id: Mapped[int] = mapped_column(
        ForeignKey("newsletters.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int]
    content: Mapped[bytes]
