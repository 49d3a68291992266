"""The first schema: the tables of all rooms and of Procrastinate."""

from importlib.metadata import version

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Its schema is part of this chain: another version needs a revision that applies its migration files.
PROCRASTINATE = "3.10.0"


def upgrade() -> None:
    """Apply."""
    if (found := version("procrastinate")) != PROCRASTINATE:
        raise RuntimeError(f"procrastinate {PROCRASTINATE} is needed here, {found} is installed")
    # The raw driver: the file holds percent signs and many statements.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SchemaManager.get_schema().encode())
    # Keys and plain indexes are named by the convention of `database.Base`.
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True)),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
    )
    op.create_index("uq_alerts_cause", "alerts", ["cause"], unique=True, postgresql_where=sa.text("over_at IS NULL"))
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.Column("status", sa.Integer()),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_because", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("looked_up_at", sa.DateTime(timezone=True)),
        sa.Column("look_up", sa.Text(), server_default="", nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("compiled_id", sa.BigInteger(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("sender_id", sa.BigInteger()),
        sa.Column("attempt_id", sa.BigInteger()),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'sending', 'done', 'uncertain', 'split')", name="state"),
    )
    op.create_index("ix_batches_campaign_id_state", "batches", ["campaign_id", "state"])
    op.create_table(
        "campaign_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), server_default="", nullable=False),
        sa.Column("people", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_table(
        "campaign_emails",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("language", sa.Text(), primary_key=True),
        sa.Column("compiled_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
    )
    op.create_table(
        "campaign_overrides",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("kind", sa.Text(), server_default="campaign", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("pause_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("list_id", sa.BigInteger()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("compiled_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("opens", sa.Text(), nullable=False),
        sa.Column("clicks", sa.Text(), nullable=False),
        sa.Column("tracking_decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_because", sa.Text(), server_default="", nullable=False),
        sa.Column("public_url", sa.Text(), server_default="", nullable=False),
        sa.Column("list_header", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("intended", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_delivery", sa.BigInteger()),
        sa.Column("last_delivery", sa.BigInteger()),
        sa.Column("of_campaign_id", sa.BigInteger()),
        sa.Column("of_whom", sa.Text(), server_default="", nullable=False),
        sa.Column("correction", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True)),
        sa.Column("per_minute", sa.Integer()),
        sa.Column("opens_at", sa.Time()),
        sa.Column("closes_at", sa.Time()),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("canary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("canary_wait", sa.Integer(), server_default="0", nullable=False),
        sa.Column("canary_until", sa.DateTime(timezone=True)),
        sa.Column("rest_from", sa.BigInteger()),
        sa.Column("most_bounces", sa.Float(), server_default="5", nullable=False),
        sa.Column("most_complaints", sa.Float(), server_default="0.3", nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('campaign', 'test')", name="kind"),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'sending', 'paused', 'cancelled', 'finished')",
            name="state",
        ),
    )
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
    )
    op.create_table(
        "compiled_emails",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("hash", sa.Text(), nullable=False, unique=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "confirmed_places",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger()),
        sa.Column("kind", sa.Text(), server_default="member", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("compiled_id", sa.BigInteger()),
        sa.CheckConstraint("state IN ('waiting', 'excluded', 'accepted', 'failed', 'uncertain')", name="state"),
        postgresql_with={"fillfactor": 60},
    )
    op.create_table(
        "delivery_rollups",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("dropped_at", sa.DateTime(timezone=True)),
        sa.Column("hard_bounced_at", sa.DateTime(timezone=True)),
        sa.Column("soft_bounced_at", sa.DateTime(timezone=True)),
        sa.Column("complained_at", sa.DateTime(timezone=True)),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True)),
        sa.Column("first_human_open_at", sa.DateTime(timezone=True)),
        sa.Column("human_opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("machine_opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown_opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_click_at", sa.DateTime(timezone=True)),
        sa.Column("clicks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("facts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("new_facts", sa.Integer(), server_default="0", nullable=False),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_delivery_rollups_soft",
        "delivery_rollups",
        ["soft_bounced_at"],
        postgresql_where=sa.text("soft_bounced_at IS NOT NULL"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("natural_key", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("body_id", sa.BigInteger()),
        sa.Column("delivery_id", sa.BigInteger()),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.Column("attempt_id", sa.BigInteger()),
        sa.Column("link", sa.Integer()),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("bounce", sa.Text(), server_default="", nullable=False),
        sa.Column("open_class", sa.Text(), server_default="", nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("network", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_index(
        "ix_events_delivery_id",
        "events",
        ["delivery_id"],
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )
    op.create_index("ix_events_received_at", "events", ["received_at"], postgresql_using="brin")
    op.create_table(
        "hour_rollups",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("fact", sa.Text(), primary_key=True),
        sa.Column("events", sa.BigInteger(), nullable=False),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "images",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
    )
    op.create_table(
        "link_clickers",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("link", sa.Integer(), autoincrement=False, primary_key=True),
    )
    op.create_table(
        "link_rollups",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("compiled_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("link", sa.Integer(), autoincrement=False, primary_key=True),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("clickers", sa.BigInteger(), nullable=False),
        sa.Column("machine_clicks", sa.BigInteger(), nullable=False),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("opens", sa.Text(), server_default="off", nullable=False),
        sa.Column("clicks", sa.Text(), server_default="on", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("because", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("clicks IN ('off', 'on')", name="clicks"),
        sa.CheckConstraint("opens IN ('off', 'on')", name="opens"),
    )
    op.create_table(
        "made_packs",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("toolkit", sa.Text(), nullable=False),
        sa.Column("coalition", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("expires", sa.Date()),
        sa.Column("copy_blocks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sheets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_why", sa.Text(), server_default="", nullable=False),
    )
    op.create_index("ix_made_packs_newsletter", "made_packs", ["toolkit", "newsletter", "made_at"])
    op.create_table(
        "mailbox_rollups",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("mailbox", sa.Text(), primary_key=True),
        sa.Column("fact", sa.Text(), primary_key=True),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "members",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(collation="C"), nullable=False, unique=True),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("last_name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "fields", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "memberships",
        sa.Column("list_id", sa.BigInteger(), primary_key=True),
        sa.Column("member_id", sa.BigInteger(), primary_key=True),
        sa.Column("state", sa.Text(), server_default="subscribed", nullable=False),
        sa.Column("basis", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True)),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True)),
        sa.Column("left_how", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('subscribed', 'unsubscribed')", name="state"),
    )
    op.create_table(
        "offered_newsletters",
        sa.Column("toolkit", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "retried_deliveries",
        sa.Column("decision_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("ix_retried_deliveries_delivery_id", "retried_deliveries", ["delivery_id"])
    op.create_table(
        "senders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.Text(collation="C"), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
    )
    op.create_table(
        "test_set_inboxes",
        sa.Column("set_name", sa.Text(), primary_key=True),
        sa.Column("address_key", sa.Text(), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False),
    )
    op.create_table(
        "toolkits",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "warm_ups",
        sa.Column("domain", sa.Text(), primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "webhook_bodies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True)),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
    )
    op.create_table(
        "toolkit_files",
        sa.Column("toolkit", sa.Text(), primary_key=True),
        sa.Column("path", sa.Text(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["toolkit"], ["toolkits.name"], name=op.f("fk_toolkit_files_toolkit"), ondelete="CASCADE"
        ),
    )
