"""People by the facts of their mails, and the people of whose mails something was reported early."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "facts_rollups",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("compiled_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facts", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "compiled_id", "facts", name=op.f("pk_facts_rollups")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "early_people",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_early_people")),
    )
    op.create_index(op.f("ix_early_people_campaign_id"), "early_people", ["campaign_id"])
    op.execute("""
        INSERT INTO facts_rollups (campaign_id, compiled_id, facts, people)
        SELECT d.campaign_id, coalesce(d.compiled_id, c.compiled_id), r.facts, count(*)
        FROM delivery_rollups r JOIN deliveries d ON d.id = r.delivery_id JOIN campaigns c ON c.id = d.campaign_id
        WHERE r.facts <> 0 AND d.kind = 'member' GROUP BY 1, 2, 3
    """)
    op.execute("""
        INSERT INTO early_people (delivery_id, campaign_id)
        SELECT d.id, d.campaign_id FROM delivery_rollups r JOIN deliveries d ON d.id = r.delivery_id
        WHERE d.state <> 'accepted'
    """)
