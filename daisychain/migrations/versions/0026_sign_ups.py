"""Sign-up forms of lists, their wordings, and who signed up; system mails from a list's own sender."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sign_up_forms",
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("who", sa.Text(), server_default="supporters", nullable=False),
        sa.Column("toolkits", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("welcome", postgresql.JSONB(), server_default="{}", nullable=False),
        _now("changed_at"),
        *_texts("changed_by"),
        sa.CheckConstraint("who IN ('supporters', 'organisations')", name=op.f("ck_sign_up_forms_who")),
        _of_list("sign_up_forms"),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_sign_up_forms")),
    )
    op.create_table(
        "sign_up_wordings",
        _id(),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        _now("created_at"),
        *_texts("created_by"),
        _of_list("sign_up_wordings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up_wordings")),
        sa.UniqueConstraint(
            "list_id", "language", "version", name=op.f("uq_sign_up_wordings_list_id_language_version")
        ),
    )
    op.execute("""
        CREATE FUNCTION refuse_change_of_wordings() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'wordings that people agreed to are never changed'; END $$
    """)
    op.execute("""
        CREATE TRIGGER wordings_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON sign_up_wordings
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_wordings()
    """)
    op.create_table(
        "sign_ups",
        _id(),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("wording_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(collation="C"), nullable=False),
        *_texts("first_name", "last_name", "organisation", "language", "partner"),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False),
        _now("asked_at"),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        *_texts("outcome"),
        _of_list("sign_ups"),
        sa.ForeignKeyConstraint(["wording_id"], ["sign_up_wordings.id"], name=op.f("fk_sign_ups_wording_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ups")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ups_token_hash")),
    )
    op.create_index("ix_sign_ups_list_id_address_key", "sign_ups", ["list_id", "address_key"])
    unconfirmed = sa.text("confirmed_at IS NULL")
    op.create_index("ix_sign_ups_unconfirmed", "sign_ups", ["asked_at"], postgresql_where=unconfirmed)
    for column in _texts("from_name", "from_address", "reply_to", "language"):
        op.add_column("system_mails", column)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), server_default="", nullable=False) for name in names]


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _of_list(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f(f"fk_{table}_list_id"))
