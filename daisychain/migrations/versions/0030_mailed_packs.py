"""Packs that were mailed to a contact as a link, until it is used."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "mailed_packs",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], ondelete="CASCADE",
            name=op.f("fk_mailed_packs_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_mailed_packs")),
    )  # fmt: skip
    op.create_index(op.f("ix_mailed_packs_organisation_id"), "mailed_packs", ["organisation_id"])
