"""The fields that a list names for its reports, and each mailed person's values of them at the freeze."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    none = sa.text("'[]'::jsonb")
    op.add_column("lists", sa.Column("dimensions", postgresql.JSONB(), server_default=none, nullable=False))
    op.add_column("deliveries", sa.Column("dimensions", postgresql.JSONB(), nullable=True))
