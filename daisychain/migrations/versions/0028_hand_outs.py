"""Hand-outs: messages to organisations, their mails, and the changes that mails have reported to organisations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hand_outs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), server_default="hand-out", nullable=False),
        sa.Column("toolkit", sa.Text(), nullable=False),
        sa.Column("newsletter", sa.Text(), server_default="", nullable=False),
        sa.Column("choice", JSONB(), nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('hand-out', 'changes')", name=op.f("ck_hand_outs_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_outs")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_hand_outs_campaign_id")),
    )
    op.create_table(
        "hand_out_mails",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("hand_out_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hand_out_id"], ["hand_outs.id"], ondelete="CASCADE", name=op.f("fk_hand_out_mails_hand_out_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_hand_out_mails")),
    )
    op.create_index(op.f("ix_hand_out_mails_hand_out_id"), "hand_out_mails", ["hand_out_id"])
    op.create_index(op.f("ix_hand_out_mails_organisation_id"), "hand_out_mails", ["organisation_id"])
    op.create_table(
        "told_changes",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "change", "delivery_id", name=op.f("pk_told_changes")),
    )
