"""Count in one row a day what anybody can do as often as they like."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("partner_events", sa.Column("times", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("partner_events", sa.Column("day", sa.Date()))
    op.create_index(
        "uq_partner_events_day",
        "partner_events",
        ["day", "organisation_id", "kind", "toolkit", "newsletter", "tool", "language"],
        unique=True,
        postgresql_where=sa.text("day IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )
