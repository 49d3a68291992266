"""Decisions of staff about organisations that asked to join."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("sign_ups", sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.add_column("sign_ups", sa.Column("decided_by", sa.Text(), server_default="", nullable=False))
    op.add_column("sign_ups", sa.Column("organisation_id", sa.BigInteger()))
    name = op.f("fk_sign_ups_organisation_id")
    op.create_foreign_key(name, "sign_ups", "organisations", ["organisation_id"], ["id"], ondelete="SET NULL")
