"""Member organisations; each partner that has a code, or a pack from before codes were kept, becomes one."""

import hashlib
import re
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_REPLY = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "organisations",
        _key(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
    )
    op.create_table(
        "organisation_profiles",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        *map(_text, ("website", "reply", "address", "charity_number", "intro", "colour", "tool", "languages")),
        *map(_text, ("region", "logo", "logo_white", "logo_square")),
        sa.Column("notes", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("link_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        _now("updated_at"),
        _text("updated_by"),
        _of_organisation("organisation_profiles"),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_organisation_profiles")),
    )
    op.create_table(
        "organisation_contacts",
        _key(),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        _text("name"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(collation="C"), nullable=False),
        sa.Column("receives", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("suggested_at", sa.DateTime(timezone=True)),
        _of_organisation("organisation_contacts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_contacts")),
        sa.UniqueConstraint(
            "organisation_id", "address_key", name=op.f("uq_organisation_contacts_organisation_id_address_key")
        ),
    )
    op.create_table(
        "partner_events",
        _key(),
        sa.Column("organisation_id", sa.BigInteger()),
        *map(_text, ("toolkit", "newsletter")),
        sa.Column("kind", sa.Text(), nullable=False),
        *map(_text, ("tool", "language")),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        _now("at"),
        _of_organisation("partner_events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_events")),
    )
    op.create_index("ix_partner_events_organisation_id_at", "partner_events", ["organisation_id", "at"])
    op.create_index("ix_partner_events_toolkit_kind_at", "partner_events", ["toolkit", "kind", "at"])
    _fill()


def _of_organisation(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organisation_id")
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], ondelete="CASCADE", name=name)


def _fill() -> None:
    """Make an organisation of each name, with the code that it had last."""
    connection = op.get_bind()
    found = {}
    # Oldest first: a later code, and a later spelling of the name, replaces an earlier one.
    rows = connection.execute(sa.text("SELECT code, name, reply, notes FROM pack_partners ORDER BY given_at, code"))
    for row in rows:
        found[_name_key(row.name)] = row
    codes = {row.code for row in found.values()}
    made = sa.text("SELECT partner FROM made_packs WHERE partner <> '' GROUP BY partner ORDER BY min(made_at), partner")
    for name in connection.scalars(made).all():
        if _name_key(name) in found:
            continue
        code = _code(name, codes)
        codes.add(code)
        adding = sa.text("INSERT INTO pack_partners (code, name) VALUES (:code, :name) RETURNING *")
        found[_name_key(name)] = connection.execute(adding, {"code": code, "name": name}).one()
    for row in found.values():
        adding = sa.text("INSERT INTO organisations (code, name) VALUES (:code, :name) RETURNING id")
        id_ = connection.scalar(adding, {"code": row.code, "name": row.name})
        notes = {key: value for key, value in row.notes.items() if value}
        # A reply was kept before it was looked at.
        reply = row.reply if _REPLY.fullmatch(row.reply) else ""
        notes |= {"reply": row.reply} if row.reply and not reply else {}
        keeping = sa.text(
            "INSERT INTO organisation_profiles (organisation_id, reply, notes) VALUES (:id, :reply, :notes)"
        ).bindparams(sa.bindparam("notes", type_=postgresql.JSONB()))
        connection.execute(keeping, {"id": id_, "reply": reply, "notes": notes})


def _name_key(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(sign for sign in plain if unicodedata.category(sign) != "Cf").split())


def _code(name: str, taken: set[str]) -> str:
    """Return the code that links of packs from before codes were kept have, or one with a piece of a hash."""
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-")[:40].strip("-")
    if code and code not in taken:
        return code
    signs = hashlib.sha256(_name_key(name).encode()).hexdigest()
    tries = (f"{(code or 'partner')[: 39 - size].strip('-')}-{signs[:size]}" for size in range(6, 33))
    return next(each for each in tries if each not in taken)
