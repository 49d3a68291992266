"""Which attempt decided about each person, and in which one they failed before a retry."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; deliveries of before keep NULL, as filling in millions of them would take minutes."""
    op.add_column("deliveries", sa.Column("attempt_id", sa.BigInteger(), nullable=True))
    op.add_column("retried_deliveries", sa.Column("attempt_id", sa.BigInteger(), nullable=True))
