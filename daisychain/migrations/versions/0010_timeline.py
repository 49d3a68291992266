"""The server's timeline at which a place was confirmed, and why a confirmation was withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("confirmed_places", sa.Column("timeline", sa.BigInteger(), nullable=True))
    op.add_column("confirmed_places", sa.Column("withdrawn_because", sa.Text(), server_default="", nullable=False))
