"""The consent ledger, with what the memberships, restorations and sign-ups of this home say of the past."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# fmt: off
_PAST = """
    CREATE TEMPORARY TABLE past (
        member_id bigint, list_id bigint, step int, kind text, at timestamptz, recorded_at timestamptz,
        basis text DEFAULT '', source text DEFAULT '', collected_by text DEFAULT '', evidence text DEFAULT '',
        way text DEFAULT '', wording_id bigint
    ) ON COMMIT DROP
"""
# Each return of a person with the consent before it, and the one after it: the next return's, or today's.
_RETURNS = """
    CREATE TEMPORARY TABLE returns ON COMMIT DROP AS
    SELECT memberships.member_id, memberships.list_id, joined_at, restorations.at AS returned_at, how,
        row_number() OVER one AS place,
        coalesce(before ->> 'basis', 'unknown') AS basis, coalesce(before ->> 'source', '') AS source,
        CAST(before ->> 'consented_at' AS timestamptz) AS consented_at,
        coalesce(before ->> 'collected_by', '') AS collected_by,
        CAST(before ->> 'left_at' AS timestamptz) AS left_at, coalesce(before ->> 'left_how', '') AS left_how,
        lead(before, 1, jsonb_build_object('basis', basis, 'source', source, 'consented_at', consented_at,
            'collected_by', collected_by)) OVER one AS later
    FROM restorations JOIN members USING (address_key)
    JOIN memberships ON memberships.member_id = members.id AND memberships.list_id = restorations.list_id
    WINDOW one AS (PARTITION BY memberships.member_id, memberships.list_id ORDER BY restorations.id)
"""
# An address that was only remembered, as off the list, was never given.
_FIRST_GIVEN = """
    INSERT INTO past (member_id, list_id, step, kind, at, recorded_at, basis, source, collected_by)
    SELECT member_id, list_id, 0, 'given', consented_at, joined_at, basis, source, collected_by
    FROM (
        SELECT member_id, list_id, consented_at, joined_at, left_at, basis, source, collected_by FROM memberships
        WHERE NOT EXISTS (SELECT FROM returns WHERE returns.member_id = memberships.member_id
            AND returns.list_id = memberships.list_id)
        UNION ALL
        SELECT member_id, list_id, consented_at, joined_at, left_at, basis, source, collected_by FROM returns
        WHERE place = 1
    ) AS firsts
    WHERE basis <> 'unknown' OR source <> '' OR left_at IS DISTINCT FROM joined_at
"""
_LEFT_AND_RETURNED = """
    INSERT INTO past (member_id, list_id, step, kind, at, recorded_at, source)
    SELECT member_id, list_id, place * 2, 'withdrawn', left_at, coalesce(left_at, returned_at), left_how FROM returns;
    INSERT INTO past (member_id, list_id, step, kind, at, recorded_at, basis, source, collected_by, way)
    SELECT member_id, list_id, place * 2 + 1, 'returned', CAST(later ->> 'consented_at' AS timestamptz), returned_at,
        later ->> 'basis', later ->> 'source', coalesce(later ->> 'collected_by', ''), how
    FROM returns;
    UPDATE past SET kind = 'restored', at = returned_at, basis = '', source = how, collected_by = '', way = ''
    FROM returns
    WHERE past.member_id = returns.member_id AND past.list_id = returns.list_id AND step = place * 2 + 1
      AND how LIKE 'undone on %' AND later ->> 'basis' = returns.basis AND later ->> 'source' = returns.source
      AND CAST(later ->> 'consented_at' AS timestamptz) IS NOT DISTINCT FROM returns.consented_at
      AND coalesce(later ->> 'collected_by', '') = returns.collected_by
"""
_LEFT_SINCE = """
    INSERT INTO past (member_id, list_id, step, kind, at, recorded_at, source)
    SELECT member_id, list_id, 1000000, 'withdrawn', left_at, coalesce(left_at, joined_at), left_how
    FROM memberships WHERE state = 'unsubscribed'
"""
_WORDINGS = """
    INSERT INTO consent_wordings (list_id, source, language, version, text, hash, created_at)
    SELECT list_id, 'sign-up form', language, version, text, hash, created_at FROM sign_up_wordings ORDER BY id
"""
# The record of one person's consent is the event's; what many have in common is a row of the terms.
_EVIDENCE = """
    UPDATE past SET evidence = past.source, source = 'sign-up form', wording_id = shown.id
    FROM sign_ups JOIN sign_up_wordings AS own ON own.id = sign_ups.wording_id
    JOIN consent_wordings AS shown
        ON (shown.list_id, shown.language, shown.version) = (own.list_id, own.language, own.version)
    WHERE past.source LIKE 'sign-up %' AND past.list_id = sign_ups.list_id
      AND substring(past.source FROM '^sign-up ([0-9]+): confirmed by email') = CAST(sign_ups.id AS text);
    UPDATE past SET evidence = source, source = way WHERE kind = 'returned' AND source <> '' AND evidence = ''
"""
_EVENTS = """
    INSERT INTO consent_terms (basis, wording_id, source, collected_by)
    SELECT DISTINCT basis, wording_id, source, collected_by FROM past;
    ANALYZE consent_terms;
    INSERT INTO consent_events (member_id, list_id, terms_id, at, recorded_at, kind, evidence)
    SELECT member_id, list_id, terms.id, at, recorded_at, kind, evidence
    FROM past JOIN consent_terms AS terms USING (basis, source, collected_by)
    WHERE terms.wording_id IS NOT DISTINCT FROM past.wording_id
    ORDER BY member_id, list_id, step
"""
# Only an erased person's events can be deleted, and then the terms that nobody else's events rest on.
_GUARDS = """
    CREATE FUNCTION refuse_change_of_consent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'what is in the consent ledger is never changed'; END $$;
    CREATE FUNCTION refuse_deletion_of_consent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_TABLE_NAME = 'consent_events' AND to_regclass('erasures') IS NOT NULL THEN
            IF EXISTS (SELECT FROM erasures WHERE member_id = OLD.member_id) THEN RETURN OLD; END IF;
        ELSIF TG_TABLE_NAME = 'consent_terms' THEN
            IF NOT EXISTS (SELECT FROM consent_events WHERE terms_id = OLD.id) THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION 'the consent ledger keeps this as long as the person is not erased';
    END $$
"""
# fmt: on


def upgrade() -> None:
    """Apply."""
    op.add_column("memberships", sa.Column("reads_agreed", sa.Boolean()))
    op.create_table(
        "consent_wordings",
        _id(),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        *_texts("source", "language"),
        sa.Column("version", sa.Integer(), nullable=False),
        *_texts("text", "hash"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_wordings")),
        sa.UniqueConstraint(
            "list_id", "source", "language", "version", name=op.f("uq_consent_wordings_list_id_source_language_version")
        ),
    )
    op.create_table(
        "consent_terms",
        _id(),
        *_texts("basis", "source", "collected_by", "by", default=""),
        sa.Column("wording_id", sa.BigInteger()),
        sa.Column("import_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_terms")),
    )
    op.create_index("ix_consent_terms_source", "consent_terms", ["source"], postgresql_using="hash")
    op.create_table(
        "consent_events",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        _id(),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("terms_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True)),
        _now("recorded_at"),
        sa.Column("purpose", sa.Text(), server_default="bulletins", nullable=False),
        *_texts("kind"),
        *_texts("evidence", default=""),
        sa.CheckConstraint(
            "kind IN ('given', 'withdrawn', 'returned', 'restored', 'corrected', 'undone')",
            name=op.f("ck_consent_events_kind"),
        ),
        sa.CheckConstraint("purpose IN ('bulletins', 'reading')", name=op.f("ck_consent_events_purpose")),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_consent_events")),
    )
    fill = (_PAST, _RETURNS, _FIRST_GIVEN, _LEFT_AND_RETURNED, _LEFT_SINCE, _WORDINGS, _EVIDENCE, _EVENTS, _GUARDS)
    for statement in fill:
        op.execute(statement)
    for table in ("wordings", "terms", "events"):
        for when, how in (("UPDATE OR TRUNCATE", "STATEMENT"), ("DELETE", "ROW")):
            refuse = "deletion" if when == "DELETE" else "change"
            op.execute(f"""
                CREATE TRIGGER consent_{table}_{refuse} BEFORE {when} ON consent_{table}
                FOR EACH {how} EXECUTE FUNCTION refuse_{refuse}_of_consent()
            """)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def _texts(*names: str, default: str | None = None) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), server_default=default, nullable=False) for name in names]


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
