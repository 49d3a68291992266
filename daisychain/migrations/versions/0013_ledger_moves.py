"""The moves of each ledger, which add up to its sums."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ledger_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("compiled_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_moves")),
    )
    op.create_index(op.f("ix_ledger_moves_campaign_id"), "ledger_moves", ["campaign_id"])
    op.execute("""
        INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
        SELECT campaign_id, compiled_id, state,
               CASE WHEN state IN ('excluded', 'failed') THEN coalesce(reason, '') ELSE '' END, count(*)
        FROM deliveries GROUP BY 1, 2, 3, 4
    """)
