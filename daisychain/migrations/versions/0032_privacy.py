"""People who were forgotten, corrections and restrictions of members, and complaints about data protection."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("members", sa.Column("restricted_at", sa.DateTime(timezone=True)))
    op.create_table(
        "erasures",
        _id(),
        sa.Column("member_id", sa.BigInteger()),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        _now("at"),
        *_texts("by", "because"),
        _json("counts"),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_member_id"), "erasures", ["member_id"])
    op.create_index(
        "uq_erasures_address_hash",
        "erasures",
        ["address_hash"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "member_changes",
        _id(),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        _now("at"),
        sa.Column("what", sa.Text(), nullable=False),
        *_texts("by", "because"),
        _json("before"),
        _json("after"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_changes")),
    )
    op.create_index(op.f("ix_member_changes_member_id"), "member_changes", ["member_id"])
    op.create_table(
        "complaints",
        _id(),
        _now("received_at"),
        *_texts("contact"),
        sa.Column("about", sa.Text(), nullable=False),
        *_texts("added_by", "acknowledged_by", "closed_by", "outcome"),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), server_default="", nullable=False) for name in names]


def _json(name: str) -> sa.Column[dict[str, object]]:
    return sa.Column(name, postgresql.JSONB(), server_default="{}", nullable=False)
