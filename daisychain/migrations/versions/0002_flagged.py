"""A table of flagged things, a count of failures for chores, and hashes of other applications' readers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "flagged",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flagged")),
        sa.UniqueConstraint("kind", "reference", name=op.f("uq_flagged_kind_reference")),
    )
    op.add_column("chores", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.execute("""
        UPDATE events SET detail = (detail - 'email') || CASE WHEN received_at < now() - interval '90 days' THEN '{}'
            ELSE jsonb_build_object(
                'address_hash', encode(sha256(convert_to(lower(detail ->> 'email'), 'UTF8')), 'hex')) END
        WHERE detail ? 'email'
    """)
    op.execute("""
        UPDATE events SET url = split_part(url, '?', 1)
        WHERE delivery_id IS NULL AND source = 'sendgrid' AND url LIKE '%?%'
    """)
    op.create_index(
        "ix_events_address_hash", "events", ["received_at"], postgresql_where=sa.text("detail ? 'address_hash'")
    )
