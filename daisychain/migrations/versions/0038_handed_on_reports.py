"""Notes on reports, reports to be mailed, and links that show one without signing in."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def _table(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_campaign_id"), name, ["campaign_id"])


def _text(name: str, **more: Any) -> Any:
    return sa.Column(name, sa.Text(), nullable=False, **more)


def _moment(name: str, **more: Any) -> Any:
    return sa.Column(name, sa.DateTime(timezone=True), **more)


def upgrade() -> None:
    """Apply."""
    now: dict[str, Any] = {"server_default": sa.func.now(), "nullable": False}
    _table(
        "report_notes", sa.Column("day", sa.Date(), nullable=False), _text("content"), _text("written_by"),
        _moment("written_at", **now),
    )  # fmt: skip
    _table(
        "report_mails", sa.Column("addresses", postgresql.JSONB(), nullable=False),
        sa.Column("hours", sa.BigInteger(), nullable=False), _text("asked_by"), _moment("asked_at", **now),
        _text("state", server_default="waiting"), _moment("ended_at"), _text("problem", server_default=""),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'cancelled')", name=op.f("ck_report_mails_state")),
    )  # fmt: skip
    _table(
        "report_links", _text("for_whom", server_default=""), _text("made_by"), _moment("made_at", **now),
        _moment("expires_at", nullable=False), _moment("revoked_at"), _text("revoked_by", server_default=""),
        sa.Column("uses", sa.BigInteger(), server_default="0", nullable=False), _moment("used_at"),
    )  # fmt: skip
