"""Compares the sums that status and figures read with the rows that they sum, and adds up the moves of each ledger.

Sums are corrected by what is missing or too much in one state of the database, which does not depend on what moves
meanwhile.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

import logging

from sqlalchemy import Connection, text

from daisychain.database import Database
from sender.events.flagged import SUMS, flag
from sender.links.reader_groups import IN_GROUP

log = logging.getLogger("daisychain.sums")

# What the rows of a ledger add to its sums, or (negative) the sums to its rows.
_LEDGER = """
    SELECT campaign_id, compiled_id, state, reason, CAST(sum(people) AS bigint) AS people FROM (
        SELECT campaign_id, compiled_id, state,
               CASE WHEN state IN ('excluded', 'failed') THEN coalesce(reason, '') ELSE '' END AS reason, 1 AS people
        FROM deliveries WHERE campaign_id = :campaign
          AND id BETWEEN (SELECT first_delivery FROM campaigns WHERE id = :campaign)
                     AND (SELECT last_delivery FROM campaigns WHERE id = :campaign)
        UNION ALL
        SELECT campaign_id, compiled_id, state, reason, -people FROM ledger_moves WHERE campaign_id = :campaign
    ) AS both_of_them GROUP BY 1, 2, 3, 4 HAVING sum(people) <> 0
"""
_LEDGER_DIFFERS = text(f"SELECT EXISTS ({_LEDGER})")
_CORRECT_LEDGER = text(f"INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people) {_LEDGER}")
# What is added meanwhile is not seen, and stays.
_ADD_UP = text("""
    WITH moves AS (DELETE FROM ledger_moves WHERE campaign_id = :campaign RETURNING *)
    INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
    SELECT campaign_id, compiled_id, state, reason, sum(people) FROM moves GROUP BY 1, 2, 3, 4 HAVING sum(people) <> 0
""")
_IS_WHOLE = text("""
    SELECT intended = (SELECT count(*) FROM deliveries d WHERE d.campaign_id = c.id
                       AND d.id BETWEEN c.first_delivery AND c.last_delivery)
    FROM campaigns c WHERE id = :campaign
""")
_CORRECT_FACTS = text(f"""
    INSERT INTO facts_rollups AS f (campaign_id, compiled_id, facts, people)
    SELECT campaign_id, compiled_id, facts, sum(people) FROM (
        SELECT r.campaign_id, coalesce(d.compiled_id, c.compiled_id) AS compiled_id, r.facts, 1 AS people
        FROM campaigns c
        JOIN delivery_rollups r ON r.delivery_id BETWEEN c.first_delivery AND c.last_delivery AND r.facts <> 0
        JOIN deliveries d ON d.id = r.delivery_id AND d.kind IN ('member', 'contact')
        WHERE c.id = :campaign
        UNION ALL SELECT g.campaign_id, g.compiled_id, r.facts, 1
        FROM reader_groups g JOIN delivery_rollups r ON {IN_GROUP.format("r.delivery_id")}
        WHERE g.campaign_id = :campaign AND r.facts <> 0
        UNION ALL SELECT campaign_id, compiled_id, facts, -people FROM facts_rollups WHERE campaign_id = :campaign
    ) AS both_of_them GROUP BY 1, 2, 3 HAVING sum(people) <> 0 ORDER BY 1, 2, 3
    ON CONFLICT (campaign_id, compiled_id, facts) DO UPDATE SET people = f.people + excluded.people
""")
_ACCEPTED_BY_NOW = text("""
    DELETE FROM early_people e USING deliveries d
    WHERE e.campaign_id = :campaign AND d.id = e.delivery_id AND d.state = 'accepted'
""")
# Older campaigns only if something moved: their mails are long read.
_DUE = text("""
    SELECT id FROM campaigns c WHERE frozen_at > now() - interval '180 days' OR (
        SELECT count(*) > count(DISTINCT (compiled_id, state, reason)) FROM ledger_moves WHERE campaign_id = c.id)
    ORDER BY id
""")


def check_sums(database: Database) -> str:
    """Compare the sums of each campaign with its rows, and return a summary. Differences are flagged and corrected.

    A ledger is corrected only if every row of the freeze is there, as only then the rows are certainly right.
    """
    with database.engine.begin() as connection:
        due = connection.scalars(_DUE).all()
    wrong = []
    for campaign_id in due:
        with database.engine.begin() as connection:
            right = [check_ledger(connection, campaign_id), check_facts(connection, campaign_id)]
        if not all(right):
            wrong.append(campaign_id)
    return f"the sums of {len(wrong)} campaigns differed: {wrong}" if wrong else ""


def check_ledger(connection: Connection, campaign_id: int) -> bool:
    """Return whether a ledger's sums agree with its rows, and add up its moves; if not, flag and correct it."""
    if not ledger_differs(connection, campaign_id):
        connection.execute(_ADD_UP, {"campaign": campaign_id})
        return True
    whole = count_again(connection, campaign_id)
    done = "corrected" if whole else "rows of the ledger are missing, so nothing was changed"
    _report(connection, campaign_id, "ledger", done)
    return False


def ledger_differs(connection: Connection, campaign_id: int) -> bool:
    """Return whether a ledger's sums differ from its rows."""
    return bool(connection.scalar(_LEDGER_DIFFERS, {"campaign": campaign_id}))


def count_again(connection: Connection, campaign_id: int) -> bool:
    """Correct the sums of a ledger by its rows, if none of them is missing; returns whether that is so."""
    campaign = {"campaign": campaign_id}
    if not connection.scalar(_IS_WHOLE, campaign):
        return False
    connection.execute(_CORRECT_LEDGER, campaign)
    return True


def check_facts(connection: Connection, campaign_id: int) -> bool:
    """Return whether the people by facts agree with the roll-ups of their mails; if not, flag and correct them."""
    campaign = {"campaign": campaign_id}
    connection.execute(_ACCEPTED_BY_NOW, campaign)
    if not connection.execute(_CORRECT_FACTS, campaign).rowcount:
        return True
    _report(connection, campaign_id, "people by facts", "corrected")
    return False


def _report(connection: Connection, campaign_id: int, what: str, done: str) -> None:
    flag(connection, SUMS, f"campaign {campaign_id}: {what}", done)
    log.error("the sums of campaign %s differed from its rows: %s, %s", campaign_id, what, done)
