"""When a campaign's events became sums, and when addresses and values were taken out of its ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("campaign_intake", sa.Column("summed_at", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("emptied_at", sa.DateTime(timezone=True)))
