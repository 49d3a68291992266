"""The rules that decided the class of a hit, and what was taken in about each campaign."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("events", sa.Column("rules", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "campaign_intake",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("newest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("classified_to", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("classified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("rule_set", sa.Integer(), nullable=True),
        sa.Column("earlier_rule_set", sa.Integer(), nullable=True),
        sa.Column("rules_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_intake")),
    )
    # What is stored already was classified by rule set 1, and is classified again by the next chore.
    op.execute("""
        INSERT INTO campaign_intake (campaign_id, events, newest_at, rule_set)
        SELECT campaign_id, count(*), max(received_at), 1 FROM events WHERE campaign_id IS NOT NULL GROUP BY 1
    """)
