"""The attempt that decided about each person; numbers of their own for test sends; the warnings of a new draft."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; older deliveries keep NULL, as filling in millions takes minutes, and test sends their numbers."""
    op.add_column("deliveries", sa.Column("attempt_id", sa.BigInteger(), nullable=True))
    op.add_column("retried_deliveries", sa.Column("attempt_id", sa.BigInteger(), nullable=True))
    op.execute(sa.schema.CreateSequence(sa.Sequence("test_send_numbers", start=1_000_000_001, data_type=sa.Integer())))
    op.add_column("campaigns", sa.Column("warnings", JSONB(), nullable=True))
