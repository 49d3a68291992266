"""Keep files that are sent through the desk, in slices, and the imports that are prepared from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_table(
        "upload_slices",
        sa.Column("upload_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_slices_upload_id_uploads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_slices")),
    )
    # Compressing a slice takes longer than writing it, and workbooks are compressed already.
    op.execute("ALTER TABLE upload_slices ALTER COLUMN content SET STORAGE EXTERNAL")
    empty = sa.text("'{}'::jsonb")
    op.create_table(
        "import_drafts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("upload_id", sa.BigInteger()),
        sa.Column("refused_id", sa.BigInteger()),
        sa.Column("import_id", sa.BigInteger()),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("found", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=empty, nullable=False),
        sa.Column("problem", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("doing", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["lists.id"], name=op.f("fk_import_drafts_list_id_lists"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_import_drafts_upload_id_uploads"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["refused_id"], ["uploads.id"], name=op.f("fk_import_drafts_refused_id_uploads"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_drafts")),
    )
    op.create_index("ix_import_drafts_list_id", "import_drafts", ["list_id"])
    op.create_index(
        "uq_import_drafts_importing", "import_drafts", ["list_id"], unique=True,
        postgresql_where=sa.text("state = 'importing'"),
    )  # fmt: skip
