"""Mark the campaigns whose mails have one key for all of their links: mail from now on has a key for each purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("campaigns", sa.Column("one_key", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE campaigns SET one_key = true WHERE frozen_at IS NOT NULL")
