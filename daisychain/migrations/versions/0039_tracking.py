"""Record reading in one of three modes for each list; a new list counts it without persons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A list is per person only if somebody decided so; campaigns that were sent keep what they had."""
    op.add_column("lists", sa.Column("tracking", sa.Text(), server_default="counted", nullable=False))
    op.execute("""
        UPDATE lists SET tracking = CASE WHEN opens = 'off' AND clicks = 'off' THEN 'off'
                                         WHEN decided_by <> '' THEN 'per person' ELSE 'counted' END
    """)
    op.create_check_constraint("tracking", "lists", "tracking IN ('off', 'counted', 'per person')")
    op.alter_column("lists", "opens", server_default="on")
    op.add_column("campaigns", sa.Column("tracking", sa.Text(), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("per_person", sa.Boolean()))
    op.create_table(
        "reader_groups",
        sa.Column("id", sa.Integer(), sa.Identity(maxvalue=2**23 - 1), primary_key=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("compiled_id", sa.BigInteger(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), server_default="", nullable=False),
        sa.Column("dimensions", postgresql.JSONB()),
        sa.Column("people", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_reader_groups_campaign_id", "reader_groups", ["campaign_id"])
