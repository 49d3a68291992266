"""The state of memberships as the ledger's events give it, and the memberships that differ from it."""

from __future__ import annotations

from sqlalchemy import Connection, text

from lists.kept_figures import COUNTS


def _last(column: str, kinds: str) -> str:
    """Return SQL for a column of a member's last event of some kinds."""
    return f"(array_agg({column} ORDER BY id DESC) FILTER (WHERE {kinds}))[1]"


_STATE = "kind <> 'corrected'"
_TERMS = "kind IN ('given', 'returned', 'corrected')"
# The events are read once and not joined with each other: right after a large import PostgreSQL knows nothing of them
# and takes the slowest of all joins. An undone membership begins anew: what was given before it no longer counts.
_DIFFERING = text(f"""
    WITH ledger AS (
        SELECT member_id, {_last("kind", _STATE)} AS kind, {_last("at", _STATE)} AS at,
            {_last("terms_id", _STATE)} AS how_id, {_last("terms_id", _TERMS)} AS terms_id,
            {_last("at", _TERMS)} AS given_at, {_last("evidence", _TERMS)} AS evidence,
            max(id) FILTER (WHERE {_TERMS}) > coalesce(max(id) FILTER (WHERE kind = 'undone'), 0) AS is_given
        FROM consent_events WHERE purpose = 'bulletins' AND list_id = :list_id GROUP BY member_id
    ), derived AS (
        SELECT ledger.member_id,
            CASE kind WHEN 'withdrawn' THEN 'unsubscribed' ELSE 'subscribed' END AS state,
            coalesce(terms.basis, 'unknown') AS basis,
            coalesce(CASE WHEN is_given THEN nullif(evidence, '') END, terms.source, '') AS source,
            CASE WHEN is_given THEN given_at END AS consented_at, coalesce(terms.collected_by, '') AS collected_by,
            CASE kind WHEN 'withdrawn' THEN at END AS left_at,
            CASE kind WHEN 'withdrawn' THEN how.source ELSE '' END AS left_how
        FROM ledger
        JOIN consent_terms AS how ON how.id = how_id
        LEFT JOIN consent_terms AS terms ON terms.id = terms_id AND is_given
        WHERE kind <> 'undone'
    )
    SELECT coalesce(derived.member_id, memberships.member_id)
    FROM derived FULL JOIN (
        SELECT member_id, state, basis, source, consented_at, collected_by, left_at, left_how
        FROM memberships WHERE list_id = :list_id
    ) AS memberships USING (member_id)
    WHERE (derived.state, derived.basis, derived.source, derived.consented_at, derived.collected_by, derived.left_at,
           derived.left_how)
        IS DISTINCT FROM (memberships.state, memberships.basis, memberships.source, memberships.consented_at,
           memberships.collected_by, memberships.left_at, memberships.left_how)
    ORDER BY 1
""")  # noqa: S608 - of constants


def differing_members(connection: Connection, list_id: int) -> list[int]:
    """Return the numbers of the members whose membership of this list differs from the ledger."""
    return list(connection.scalars(_DIFFERING, {"list_id": list_id}))


COUNTS["differing"] = lambda connection, list_id: len(differing_members(connection, list_id))
