"""Campaigns to people on no list, and the contacts who want no more of them."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f("ck_campaigns_kind"), "campaigns")
    op.create_check_constraint(op.f("ck_campaigns_kind"), "campaigns", "kind IN ('campaign', 'test', 'contacts')")
    op.create_table(
        "contact_unsubscribes",
        sa.Column("address_key", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address_key", name=op.f("pk_contact_unsubscribes")),
    )
