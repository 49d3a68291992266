"""Toolkits that are edited in the desk: a draft each, its versions, and the contents of their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "toolkit_drafts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Text(), nullable=False),
        sa.Column("changed", JSONB(), nullable=False, server_default="{}"),
        sa.Column("writers", JSONB(), nullable=False, server_default="{}"),
        sa.Column("approved", JSONB(), nullable=False, server_default="{}"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_toolkit_drafts")),
    )
    op.create_table(
        "toolkit_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("toolkit", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("files", JSONB(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(
            ["toolkit"], ["toolkit_drafts.name"], ondelete="CASCADE", name=op.f("fk_toolkit_versions_toolkit"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_toolkit_versions")),
    )  # fmt: skip
    op.create_index(
        op.f("ix_toolkit_versions_toolkit_version"), "toolkit_versions", ["toolkit", "version"], unique=True,
        postgresql_where=sa.text("kind <> 'collided'"),
    )  # fmt: skip
    op.create_table(
        "toolkit_contents",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_toolkit_contents")),
    )
