"""The state of memberships as the ledger's events give it, and the memberships that differ from it."""

from __future__ import annotations

from sqlalchemy import Connection, text

from lists.kept_figures import COUNTS

# fmt: off
# An undone membership begins anew: what was given before it no longer counts.
_DIFFERING = text("""
    WITH last AS (
        SELECT member_id, list_id, max(id) FILTER (WHERE kind <> 'corrected') AS state_id,
            max(id) FILTER (WHERE kind IN ('given', 'returned', 'corrected')) AS terms_id,
            coalesce(max(id) FILTER (WHERE kind = 'undone'), 0) AS undone_id
        FROM consent_events WHERE purpose = 'bulletins' AND list_id = :list_id GROUP BY member_id, list_id
    ), derived AS (
        SELECT last.member_id,
            CASE last.kind WHEN 'withdrawn' THEN 'unsubscribed' ELSE 'subscribed' END AS state,
            coalesce(terms.basis, 'unknown') AS basis,
            coalesce(nullif(given.evidence, ''), terms.source, '') AS source,
            given.at AS consented_at, coalesce(terms.collected_by, '') AS collected_by,
            CASE last.kind WHEN 'withdrawn' THEN last.at END AS left_at,
            CASE last.kind WHEN 'withdrawn' THEN how.source ELSE '' END AS left_how
        FROM (
            SELECT last.*, state.kind, state.at, state.terms_id AS how_id
            FROM last JOIN consent_events AS state ON state.member_id = last.member_id AND state.id = state_id
            WHERE kind <> 'undone'
        ) AS last
        JOIN consent_terms AS how ON how.id = how_id
        LEFT JOIN consent_events AS given
            ON given.member_id = last.member_id AND given.id = last.terms_id AND given.id > undone_id
        LEFT JOIN consent_terms AS terms ON terms.id = given.terms_id
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
""")
# fmt: on


def differing_members(connection: Connection, list_id: int) -> list[int]:
    """Return the numbers of the members whose membership of this list differs from the ledger."""
    return list(connection.scalars(_DIFFERING, {"list_id": list_id}))


COUNTS["differing"] = lambda connection, list_id: len(differing_members(connection, list_id))
