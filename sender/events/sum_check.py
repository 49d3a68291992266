"""Compares the sums that status and figures read with the rows that they sum, and adds up the moves of each ledger."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text

from daisychain.database import Database
from sender.events.flagged import SUMS, flag

log = logging.getLogger("daisychain.sums")

# The rows of a campaign's ledger, counted, and what its moves add up to.
_ROWS = """
    SELECT campaign_id, compiled_id, state,
           CASE WHEN state IN ('excluded', 'failed') THEN coalesce(reason, '') ELSE '' END, count(*)
    FROM deliveries WHERE campaign_id = :campaign
      AND id BETWEEN (SELECT first_delivery FROM campaigns WHERE id = :campaign)
                 AND (SELECT last_delivery FROM campaigns WHERE id = :campaign)
    GROUP BY 1, 2, 3, 4
"""
_MOVED = """
    SELECT campaign_id, compiled_id, state, reason, sum(people)::bigint FROM ledger_moves WHERE campaign_id = :campaign
    GROUP BY 1, 2, 3, 4 HAVING sum(people) <> 0
"""
_LEDGER_DIFFERS = text(f"SELECT EXISTS (({_ROWS} EXCEPT {_MOVED}) UNION ALL ({_MOVED} EXCEPT {_ROWS}))")
_FORGET = text("DELETE FROM ledger_moves WHERE campaign_id = :campaign")
_COUNT = text(f"INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people) {_ROWS}")
# What is added meanwhile is not seen, and stays.
_ADD_UP = text("""
    WITH moves AS (DELETE FROM ledger_moves WHERE campaign_id = :campaign RETURNING *)
    INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
    SELECT campaign_id, compiled_id, state, reason, sum(people) FROM moves GROUP BY 1, 2, 3, 4 HAVING sum(people) <> 0
""")
_LOCK_BATCHES = text("SELECT id FROM batches WHERE campaign_id = :campaign ORDER BY id FOR UPDATE")
_IS_WHOLE = text("""
    SELECT intended = (SELECT count(*) FROM deliveries d WHERE d.campaign_id = c.id
                       AND d.id BETWEEN c.first_delivery AND c.last_delivery)
    FROM campaigns c WHERE id = :campaign
""")
# Older campaigns only if something moved: their mails are long read.
_DUE = text("""
    SELECT id FROM campaigns c WHERE frozen_at > now() - interval '180 days' OR (
        SELECT count(*) > count(DISTINCT (compiled_id, state, reason)) FROM ledger_moves WHERE campaign_id = c.id)
    ORDER BY id
""")


def check_sums(database: Database) -> str:
    """Compare the sums of each campaign with its rows, and return a summary. Differences are flagged.

    Sums are corrected if every row of the freeze is there: then the rows are right.
    """
    with database.engine.begin() as connection:
        due = connection.scalars(_DUE).all()
    wrong = []
    for campaign_id in due:
        with database.engine.begin() as connection:
            if not check_ledger(connection, campaign_id):
                wrong.append(campaign_id)
    return f"the sums of {len(wrong)} campaigns differed: {wrong}" if wrong else ""


def check_ledger(connection: Connection, campaign_id: int) -> bool:
    """Return whether a ledger's sums agree with its rows, and add up its moves; if not, flag and correct it."""
    campaign = {"campaign": campaign_id}
    if not ledger_differs(connection, campaign_id):
        connection.execute(_ADD_UP, campaign)
        return True
    whole = count_again(connection, campaign_id)
    done = "counted again" if whole else "rows of its ledger are missing, so nothing was changed"
    flag(connection, SUMS, f"campaign {campaign_id}: ledger", done)
    log.error("the sums of campaign %s differ from the rows of its ledger: %s", campaign_id, done)
    return False


def ledger_differs(connection: Connection, campaign_id: int) -> bool:
    """Return whether a ledger's sums differ from its rows."""
    return bool(connection.scalar(_LEDGER_DIFFERS, {"campaign": campaign_id}))


def count_again(connection: Connection, campaign_id: int) -> bool:
    """Replace the sums of a ledger by a count of its rows, if none is missing; returns whether that is so.

    Who moves deliveries has locked their batch, so nobody does meanwhile.
    """
    campaign = {"campaign": campaign_id}
    connection.execute(_LOCK_BATCHES, campaign)
    if not connection.scalar(_IS_WHOLE, campaign):
        return False
    connection.execute(_FORGET, campaign)
    connection.execute(_COUNT, campaign)
    return True
