"""Events into the table, and the roll-ups moved on for those that are new: one statement, however many there are.

A roll-up is one row a delivery: first times and counts. It moves in the statement that inserts, and only for
rows really inserted, so nothing that is told twice counts twice; all its steps can be taken in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection, text

from sender.vocabulary import Happening

# The happenings come as one array a column and in the order of their keys, and roll-ups in the order of
# theirs, so that two that run at once wait for each other rather than deadlock. LEAST passes over empty
# times. Test and seed mails have events, but no roll-up: figures count members only. A machine's click is
# kept and not counted.
_STORE = text("""
    WITH fresh AS (
        INSERT INTO events (natural_key, source, kind, at, received_at, delivery_id, campaign_id, attempt_id, link, url,
                            bounce, open_class, user_agent, network, detail)
        SELECT natural_key, source, kind, at, :received_at, delivery_id, campaign_id, attempt_id, link, url,
               bounce, open_class, user_agent, network, CAST(detail AS jsonb)
        FROM unnest(
            CAST(:natural_key AS bytea[]), CAST(:source AS text[]), CAST(:kind AS text[]),
            CAST(:at AS timestamptz[]), CAST(:delivery_id AS bigint[]), CAST(:campaign_id AS bigint[]),
            CAST(:attempt_id AS bigint[]), CAST(:link AS integer[]), CAST(:url AS text[]), CAST(:bounce AS text[]),
            CAST(:open_class AS text[]), CAST(:user_agent AS text[]), CAST(:network AS text[]), CAST(:detail AS text[])
        ) AS told (natural_key, source, kind, at, delivery_id, campaign_id, attempt_id, link, url,
                   bounce, open_class, user_agent, network, detail)
        ON CONFLICT (natural_key) DO NOTHING
        RETURNING natural_key, kind, at, delivery_id, campaign_id, bounce, open_class
    ), moved AS (
        INSERT INTO delivery_rollups AS r (
            delivery_id, campaign_id, delivered_at, dropped_at, hard_bounced_at, soft_bounced_at, complained_at,
            unsubscribed_at, first_human_open_at, human_opens, machine_opens, unknown_opens, first_click_at, clicks)
        SELECT
            fresh.delivery_id, min(fresh.campaign_id),
            min(at) FILTER (WHERE fresh.kind = 'delivered'),
            min(at) FILTER (WHERE fresh.kind = 'rejected'),
            min(at) FILTER (WHERE fresh.kind = 'bounced' AND bounce = 'hard'),
            min(at) FILTER (WHERE fresh.kind = 'bounced' AND bounce = 'soft'),
            min(at) FILTER (WHERE fresh.kind = 'complained'),
            min(at) FILTER (WHERE fresh.kind = 'unsubscribed'),
            min(at) FILTER (WHERE fresh.kind = 'opened' AND open_class = 'human'),
            count(*) FILTER (WHERE fresh.kind = 'opened' AND open_class = 'human'),
            count(*) FILTER (WHERE fresh.kind = 'opened' AND open_class = 'machine'),
            count(*) FILTER (WHERE fresh.kind = 'opened' AND open_class = 'unknown'),
            min(at) FILTER (WHERE fresh.kind = 'clicked' AND open_class <> 'machine'),
            count(*) FILTER (WHERE fresh.kind = 'clicked' AND open_class <> 'machine')
        FROM fresh JOIN deliveries d ON d.id = fresh.delivery_id AND d.kind = 'member'
        GROUP BY fresh.delivery_id
        ORDER BY fresh.delivery_id
        ON CONFLICT (delivery_id) DO UPDATE SET
            delivered_at = LEAST(r.delivered_at, excluded.delivered_at),
            dropped_at = LEAST(r.dropped_at, excluded.dropped_at),
            hard_bounced_at = LEAST(r.hard_bounced_at, excluded.hard_bounced_at),
            soft_bounced_at = LEAST(r.soft_bounced_at, excluded.soft_bounced_at),
            complained_at = LEAST(r.complained_at, excluded.complained_at),
            unsubscribed_at = LEAST(r.unsubscribed_at, excluded.unsubscribed_at),
            first_human_open_at = LEAST(r.first_human_open_at, excluded.first_human_open_at),
            human_opens = r.human_opens + excluded.human_opens,
            machine_opens = r.machine_opens + excluded.machine_opens,
            unknown_opens = r.unknown_opens + excluded.unknown_opens,
            first_click_at = LEAST(r.first_click_at, excluded.first_click_at),
            clicks = r.clicks + excluded.clicks
    )
    SELECT natural_key FROM fresh
""")
_COLUMNS = (
    "natural_key", "source", "kind", "at", "delivery_id", "campaign_id", "attempt_id", "link", "url",
    "bounce", "open_class", "user_agent", "network",
)  # fmt: skip


def store(connection: Connection, happenings: Sequence[Happening], received_at: datetime) -> list[Happening]:
    """Keep what happened and move the roll-ups on, in the caller's transaction; returns those that are new."""
    if not happenings:
        return []
    # Told twice within one body: the first telling stands.
    told = {happening.natural_key: happening for happening in reversed(happenings)}
    rows = [told[key] for key in sorted(told)]
    values: dict[str, object] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    values["detail"] = [orjson.dumps(row.detail).decode() for row in rows]
    fresh = connection.execute(_STORE, {**values, "received_at": received_at}).scalars()
    return [told[bytes(key)] for key in fresh]
