"""Count why people leave a list, by day and without the person; and let a list show its past bulletins."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "leaving_reasons",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_leaving_reasons_list_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("list_id", "day", "reason", name=op.f("pk_leaving_reasons")),
    )
    for table, column in (("lists", "archive"), ("lists", "archive_indexed"), ("campaigns", "not_in_archive")):
        op.add_column(table, sa.Column(column, sa.Boolean(), server_default="false", nullable=False))
