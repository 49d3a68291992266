"""A picture of each email that a toolkit offers."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "offer_pictures",
        sa.Column("toolkit", sa.Text(), nullable=False),
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["toolkit", "newsletter"], ["offered_newsletters.toolkit", "offered_newsletters.name"],
            ondelete="CASCADE", name=op.f("fk_offer_pictures_toolkit"),
        ),
        sa.PrimaryKeyConstraint("toolkit", "newsletter", name=op.f("pk_offer_pictures")),
    )  # fmt: skip
