"""Other names of the organisation that a list is sent by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    default = sa.text("'[]'::jsonb")
    op.add_column("lists", sa.Column("also_named", postgresql.JSONB(), server_default=default, nullable=False))
