"""The organisation that collected a contact, which a charity's soft opt-in depends on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("memberships", sa.Column("collected_by", sa.Text(), server_default="", nullable=False))
