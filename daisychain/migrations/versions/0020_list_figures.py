"""Counts of large lists, kept with their time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "list_figures",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_list_figures_list_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("list_id", "name", name=op.f("pk_list_figures")),
    )
