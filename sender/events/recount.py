"""Recounts the roll-ups from the events, to check the incremental ones or to replace them."""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from collections.abc import Collection

import orjson
from sqlalchemy import Connection, text

from sender.events.facts import FACT, FACT_BIT
from sender.events.mailbox_providers import OTHER, PROVIDER_OF
from sender.events.rollups import NO_LINK, SUMS

# Members' events of some campaigns, found by each campaign's range of delivery ids.
_COUNTED = text("""
    CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    SELECT e.delivery_id, e.campaign_id, coalesce(d.compiled_id, c.compiled_id) AS compiled_id, e.kind, e.at, e.bounce,
           e.open_class, coalesce(e.link, :no_link) AS link, coalesce(m.mailbox, :other) AS mailbox
    FROM campaigns c
    JOIN deliveries d ON d.id BETWEEN c.first_delivery AND c.last_delivery AND d.kind = 'member'
    JOIN events e ON e.delivery_id = d.id
    LEFT JOIN json_each_text(CAST(:mailboxes AS json)) AS m (domain, mailbox)
           ON m.domain = lower(substring(d.address FROM '[^@]*$'))
    WHERE c.id = ANY (:campaigns)
""")

_HUMAN_CLICKS = "kind = 'clicked' AND open_class <> 'machine'"
# Each roll-up as it should be. `new_facts` is left out: it means something only within one update.
_REBUILT = {
    "delivery_rollups": SUMS,
    "hour_rollups": f"""
        SELECT campaign_id, date_trunc('hour', at, 'UTC') AS hour, {FACT} AS fact, count(*) AS events
        FROM counted WHERE {FACT_BIT} IS NOT NULL GROUP BY 1, 2, 3""",
    "mailbox_rollups": f"""
        SELECT campaign_id, mailbox, {FACT} AS fact, count(DISTINCT delivery_id) AS people, count(*) AS events
        FROM counted WHERE {FACT_BIT} IS NOT NULL GROUP BY 1, 2, 3""",
    "link_rollups": f"""
        SELECT campaign_id, compiled_id, link, count(*) FILTER (WHERE {_HUMAN_CLICKS}) AS clicks,
               count(DISTINCT delivery_id) FILTER (WHERE {_HUMAN_CLICKS}) AS clickers,
               count(*) FILTER (WHERE open_class = 'machine') AS machine_clicks
        FROM counted WHERE kind = 'clicked' GROUP BY 1, 2, 3""",
    "link_clickers": f"SELECT DISTINCT delivery_id, link FROM counted WHERE {_HUMAN_CLICKS}",
}

_OF_CAMPAIGNS = "campaign_id = ANY (:campaigns)"
_OF_THEIR_DELIVERIES = """
    EXISTS (SELECT 1 FROM campaigns c WHERE c.id = ANY (:campaigns)
            AND link_clickers.delivery_id BETWEEN c.first_delivery AND c.last_delivery)
"""


def recount_rollups(connection: Connection, campaign_ids: Collection[int], *, replace: bool = False) -> dict[str, int]:
    """Count the rows of each roll-up that differ from the events of these campaigns; `replace` corrects them.

    The caller's transaction must see one state of the events, or lock the table against inserts.
    """
    campaigns = {"campaigns": sorted(campaign_ids)}
    known = orjson.dumps(PROVIDER_OF).decode()
    connection.execute(text("DROP TABLE IF EXISTS counted"))
    connection.execute(_COUNTED, {**campaigns, "no_link": NO_LINK, "other": OTHER, "mailboxes": known})
    differences = {}
    for table, rebuilt in _REBUILT.items():
        connection.execute(text(f"CREATE TEMPORARY TABLE rebuilt ON COMMIT DROP AS {rebuilt}"))
        names = ", ".join(connection.execute(text("SELECT * FROM rebuilt LIMIT 0")).keys())
        where = _OF_THEIR_DELIVERIES if table == "link_clickers" else _OF_CAMPAIGNS
        old, new = f"SELECT {names} FROM {table} WHERE {where}", f"SELECT {names} FROM rebuilt"
        differing = f"(({old}) EXCEPT ({new})) UNION ALL (({new}) EXCEPT ({old}))"
        differences[table] = connection.scalar(text(f"SELECT count(*) FROM ({differing}) AS x"), campaigns) or 0
        if replace and differences[table]:
            connection.execute(text(f"DELETE FROM {table} WHERE {where}"), campaigns)
            connection.execute(text(f"INSERT INTO {table} ({names}) {new}"))
        connection.execute(text("DROP TABLE rebuilt"))
    connection.execute(text("DROP TABLE counted"))
    return differences
