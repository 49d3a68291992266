"""A small picture of each newsletter."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "newsletter_thumbnails",
        sa.Column("newsletter_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletters.id"], ondelete="CASCADE",
            name=op.f("fk_newsletter_thumbnails_newsletter_id"),
        ),
        sa.PrimaryKeyConstraint("newsletter_id", name=op.f("pk_newsletter_thumbnails")),
    )  # fmt: skip
